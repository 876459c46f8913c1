"""What the arena reports: recall of each family at .1 % false alarms, by which detector, how soon; and false alarms."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.arena.detectors import DETECTORS, FUSED
from models.metrics.intervals import wilson
from models.user_days.hybrid import FLAG
from runtime.arrays import Bools, Floats

FALSE_ALARM_SHARE = 0.001
"""Share of the honest account-days that a threshold may flag."""
SHIPPED = "as shipped"
"""The fused decision at its own threshold, which keeps to a bound for each kind of odd people as well."""
CAPACITY = 50
"""Accounts that analysts look at."""


def threshold_at(evidence: Floats, honest: Bools, share: float = FALSE_ALARM_SHARE) -> float:
    """Return the lowest threshold that at most a share of the honest account-days lies over."""
    return float(np.quantile(evidence[honest], 1 - share, method="higher"))


def evaluate_families(
    days: pd.DataFrame, evidence: Mapping[str, Floats], is_test: Bools, families: list[str]
) -> dict[str, dict[str, Any]]:
    """Evaluate each family on the account-days of test accounts (user_id, local_date, account_family, paid_streams).

    A flag counts from the account's first paid stream on. `recall_at_fpr_0001`: share of the family's accounts that the
    fused decision flags on at least one day. `recall_as_shipped`: the same at its own threshold. `recall_of_days`:
    share of its days with a paid stream. `caught_by`: share of accounts by detector. `days_to_first_flag`: median over
    flagged accounts.
    """
    honest = is_test & (days["account_family"] == HONEST).to_numpy()
    over = {name: is_test & (values > threshold_at(values, honest)) for name, values in evidence.items()}
    over[SHIPPED] = is_test & (evidence[FUSED] >= FLAG)
    day = pd.to_datetime(days["local_date"]).to_numpy("datetime64[D]").astype("int64")
    paid = (days["paid_streams"] > 0).to_numpy()
    first_paid = (
        pd.Series(np.where(paid, day, np.iinfo(np.int64).max)).groupby(days["user_id"].to_numpy()).transform("min")
    )
    is_after = day >= first_paid.to_numpy()
    results: dict[str, dict[str, Any]] = {}
    for family in families:
        of_family = is_test & is_after & (days["account_family"] == family).to_numpy()
        accounts = days.loc[of_family & paid, "user_id"].nunique()
        caught = {
            name: _caught(days, flagged & of_family, day - first_paid.to_numpy()) for name, flagged in over.items()
        }
        if not accounts:
            continue
        low, high = wilson(len(caught[FUSED]), accounts)
        results[family] = {
            "accounts": accounts,
            "recall_at_fpr_0001": len(caught[FUSED]) / accounts,
            "recall_as_shipped": len(caught[SHIPPED]) / accounts,
            "recall_low": low,
            "recall_high": high,
            "recall_of_days": float((over[FUSED] & of_family & paid).sum() / max((of_family & paid).sum(), 1)),
            "caught_by": {name: len(caught[name]) / accounts for name in DETECTORS if name != FUSED},
            "days_to_first_flag": float(caught[FUSED].median()) if len(caught[FUSED]) else None,
        }
    return results


def _caught(days: pd.DataFrame, flagged: Bools, since_first: Floats) -> pd.Series:
    """Return for each flagged account the days from its first paid stream to its first flag."""
    return pd.Series(since_first[flagged]).groupby(days["user_id"].to_numpy()[flagged]).min()


def evaluate_honest(
    days: pd.DataFrame, evidence: Mapping[str, Floats], part_reference: Bools, is_test: Bools
) -> dict[str, Any]:
    """Count false alarms on honest test accounts.

    Of the fused decision at the threshold that ships, of the detectors at the one that the training accounts give.
    Returns them per 100 person-days with their interval, by detector and by cohort.
    """
    honest = is_test & (days["account_family"] == HONEST).to_numpy()
    at = {name: values > threshold_at(values, part_reference) for name, values in evidence.items()}
    at[FUSED] = evidence[FUSED] >= FLAG
    n = int(honest.sum())
    rates = {}
    for name, flagged in at.items():
        alarms = int((flagged & honest).sum())
        low, high = wilson(alarms, n)
        rates[name] = {"alarms": alarms, "per_100": 100 * alarms / max(n, 1), "low": 100 * low, "high": 100 * high}
    cohorts = {}
    for cohort, rows in days[honest].groupby("cohort").indices.items():
        flagged = at[FUSED][np.flatnonzero(honest)[rows]]
        cohorts[str(cohort)] = {
            "person_days": len(rows), "alarms": int(flagged.sum()), "per_100": 100 * float(flagged.mean()),
        }  # fmt: skip
    return {"person_days": n, "by_detector": rates, "by_cohort": cohorts}


def precision_at_capacity(
    days: pd.DataFrame, fused: Floats, is_test: Bools, capacity: int = CAPACITY
) -> dict[str, Any]:
    """Return how many of the test accounts with the strongest evidence are bots'."""
    rows = pd.DataFrame({"user_id": days["user_id"], "family": days["account_family"], "fused": fused})[is_test]
    accounts = rows.groupby("user_id").agg(family=("family", "first"), fused=("fused", "max"))
    first = accounts.sort_values("fused", ascending=False).head(capacity)
    share = float((accounts["family"] != HONEST).mean())
    return {
        "accounts": len(first),
        "precision": float((first["family"] != HONEST).mean()),
        "bots_among_accounts": share,
    }
