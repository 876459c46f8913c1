"""What times alone tell of accounts: the entropy of gaps over units of several lengths, and scores by family.

On labelled bots of a forum the entropy of gaps over a whole account has AUC about .95 (public data of RSC, KDD 2015;
docs/reference/published-numbers.md). It grows with the number of gaps, so over short units a busy bot has more of it
than a person: there only the entropy divided by log2 of the number of gaps compares accounts.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from models.arena.evaluate import threshold_at
from models.metrics.intervals import wilson
from models.metrics.ranking import auc
from runtime.arrays import Bools, Floats, Ints
from runtime.units import DAY_MS

MIN_GAPS = 8
"""Gaps below which their entropy means nothing."""
FIRST_GAPS = 100
BINS_PER_OCTAVE = 2
"""Width of the log bins."""
UNITS = {"day": 1, "7 days": 7, "28 days": 28, "whole account": None, f"first {FIRST_GAPS} gaps": None}
"""Units over which entropies are computed, with their days. Of several units of an account the median counts."""


def gap_entropies(user: Ints, at_ms: Ints, n_users: int) -> dict[str, dict[str, Floats]]:
    """Return by unit `raw` entropy of gaps in bits and `normalised` (divided by log2 of their number), by account.

    `user` and `at_ms` have one element a play. NaN where an account has under MIN_GAPS gaps.
    """
    order = np.lexsort((at_ms, user))
    user, at_ms = user[order], at_ms[order]
    first_ms = int(at_ms.min(initial=0))
    results = {}
    for name, days in UNITS.items():
        part = np.zeros(len(user), dtype=np.int64) if days is None else (at_ms - first_ms) // (days * DAY_MS)
        unit = np.unique(np.stack([user, part]), axis=1, return_inverse=True)[1].ravel()
        same = unit[1:] == unit[:-1]
        gap_s, of_gap, owner = np.diff(at_ms)[same] / 1000, unit[1:][same], user[1:][same]
        if name.startswith("first"):
            rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
            gap_s, of_gap, owner = (values[rank < FIRST_GAPS] for values in (gap_s, of_gap, owner))
        bins = np.floor(np.log2(np.maximum(gap_s, 0.5)) * BINS_PER_OCTAVE).astype(np.int64)
        table = pd.DataFrame({"owner": owner, "unit": of_gap, "bin": bins}).value_counts().rename("n").reset_index()
        total = table.groupby("unit")["n"].transform("sum").to_numpy()
        share = table["n"].to_numpy() / total
        table["raw"] = -share * np.log2(share)
        units = table.groupby(["owner", "unit"])[["raw", "n"]].sum().reset_index()
        units = units[units["n"] >= MIN_GAPS]
        units = units.assign(normalised=units["raw"] / np.log2(units["n"]))
        medians = units.groupby("owner")[["raw", "normalised"]].median().reindex(range(n_users))
        results[name] = {kind: medians[kind].to_numpy(dtype=np.float64) for kind in ("raw", "normalised")}
    return results


def evaluate_by_family(
    score: Floats, family: pd.Series, is_honest: Bools, min_accounts: int = 1
) -> dict[str, dict[str, Any]]:
    """Return by family AUC and recall at the threshold that flags 0.1 % of the honest accounts, with intervals.

    `score`: by account, higher is more suspicious; NaN is never flagged.
    """
    known = np.where(np.isnan(score), -np.inf, score)
    threshold = threshold_at(known, is_honest)
    results = {}
    for name in sorted(family[~is_honest].unique()):
        of_family = (family == name).to_numpy() & ~is_honest
        n, hits = int(of_family.sum()), int((of_family & (known > threshold)).sum())
        if n < min_accounts:
            continue
        low, high = wilson(hits, n)
        results[name] = {
            "accounts": n,
            "auc": auc(score[of_family], score[is_honest]).as_dict(),
            "recall_at_fpr_0001": {"value": hits / n, "low": low, "high": high, "n": n},
        }
    return results


def macro(by_family: Mapping[str, Mapping[str, Any]], measure: str) -> float | None:
    """Return the mean of a measure over families that have it."""
    values = [entry[measure]["value"] for entry in by_family.values() if entry[measure]["value"] is not None]
    return float(np.mean(values)) if values else None
