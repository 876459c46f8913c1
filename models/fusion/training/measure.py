"""Measure a fitted fusion out of fold: false alarms, by kind of listener too, recall, and what is left out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from contracts.labels import HONEST, MECHANISMS
from models.fusion.evidence import EVIDENCE, PARTS
from models.fusion.training.fit import Targets, fit_stack, score_stack
from models.fusion.training.thresholds import choose_threshold, threshold_of
from models.metrics.flags import REGULAR
from models.metrics.intervals import wilson
from runtime.arrays import Bools, Floats

EVERYTHING = frozenset(PARTS)


def measure(days: pd.DataFrame, scores: Floats, threshold: float) -> dict[str, Any]:
    """Measure a threshold out of fold: false alarms of usual people and of the kind with most, recall.

    `days`: is_usual, user_id, family, cohort, paid_streams, by row of `scores`.
    """
    known, over = ~np.isnan(scores), scores >= threshold
    usual = known & days["is_usual"].to_numpy()
    positive = known & (days["paid_streams"] > 0).to_numpy() & (days["family"] != HONEST).to_numpy()
    alarms, n = int((over & usual).sum()), int(usual.sum())
    low, high = wilson(alarms, n)
    kinds = count_by_cohort(days[known], over[known])
    worst, entry = max(kinds.items(), key=lambda item: item[1]["flagged"] / item[1]["days"], default=("", None))
    return {
        "honest_days": n,
        "false_alarms_per_100": {"value": 100 * alarms / max(n, 1), "low": 100 * low, "high": 100 * high},
        "worst_kind": None if entry is None else {"name": worst, "per_100": 100 * entry["flagged"] / entry["days"]},
        "recall_of_days": float(over[positive].mean()) if positive.any() else None,
        "recall_of_accounts": accounts_found(days, over, positive)[0],
    }


def accounts_found(days: pd.DataFrame, over: Bools, positive: Bools) -> tuple[float | None, int]:
    """Return the share of accounts with a positive day that are flagged on one, and their number."""
    by_account = pd.Series(over[positive]).groupby(days["user_id"].to_numpy()[positive]).max()
    return (float(by_account.mean()), len(by_account)) if len(by_account) else (None, 0)


def measure_left_out(
    days: pd.DataFrame, parts: Floats, targets: Targets, seen: Floats, rng: np.random.Generator
) -> dict[str, dict[str, Any]]:
    """Return by family the share of its accounts found: by all that ships, without the family, without its mechanism.

    Without: by weights, groups and detectors that did not know the family; of its mechanism, weights only. Each view
    has its own threshold.
    """
    family, paid = days["family"].to_numpy(), (days["paid_streams"] > 0).to_numpy()
    results: dict[str, dict[str, Any]] = {}
    mechanism_of = {name: members for members in MECHANISMS.values() for name in members}

    def without(names: Sequence[str]) -> tuple[Floats, float]:
        kept = ~np.isin(family, names)
        scores = score_stack(EVERYTHING, parts, fit_stack(EVERYTHING, parts[kept], targets.of(kept)))
        return scores, choose_threshold(scores, days, rng)

    by_mechanism = {members: without(members) for members in MECHANISMS.values()}
    by_all = seen, choose_threshold(seen, days, rng)
    for name in sorted(set(family) - {HONEST}):
        entry: dict[str, Any] = {}
        of_mechanism = by_mechanism[mechanism_of[name]] if name in mechanism_of else without([name])
        for view, (scores, at) in (("seen", by_all), ("left_out", without([name])), ("mechanism_out", of_mechanism)):
            share, accounts = accounts_found(days, scores >= at, (family == name) & paid & ~np.isnan(scores))
            entry[view] = share
            entry["accounts"] = max(accounts, entry.get("accounts", 0))
        results[str(name)] = entry
    return results


def measure_alone(
    days: pd.DataFrame, shipped: Floats, unseen: Floats, seen_over: Bools, new_over: Bools
) -> dict[str, Any]:
    """Return by evidence the bots' accounts that it flags by itself, and how many of them the stack flags.

    By itself: at the threshold for usual people. `seen`: by the shipped detectors; `new`: by detectors that did not
    know the family.
    """
    paid = (days["paid_streams"] > 0).to_numpy() & (days["family"] != HONEST).to_numpy()
    users = days["user_id"].to_numpy()
    results: dict[str, Any] = {}
    for column, name in enumerate(EVIDENCE):
        at = threshold_of(shipped[:, column], days["is_usual"].to_numpy())
        entry = {}
        for view, tails, over in (("seen", shipped, seen_over), ("new", unseen, new_over)):
            flagged = paid & (tails[:, column] >= at)
            entry[view] = {
                "flagged": len(np.unique(users[flagged])),
                "kept": len(np.intersect1d(users[flagged], users[paid & over])),
            }
        results[name] = entry
    return results


def count_by_cohort(days: pd.DataFrame, over: Bools) -> dict[str, dict[str, int]]:
    """Return by kind of honest listener its account-days and how many are flagged."""
    honest = (days["family"] == HONEST).to_numpy()
    counted = pd.Series(over[honest]).groupby(days["cohort"].fillna(REGULAR).to_numpy()[honest]).agg(["size", "sum"])
    return {str(name): {"days": int(row["size"]), "flagged": int(row["sum"])} for name, row in counted.iterrows()}
