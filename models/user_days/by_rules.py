"""Apply the rules to user-days: which rules fire, how strongly, and whether they are enough for a flag."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.user_days.cohort import cohort_baseline
from models.user_days.history import MIN_ACTIVE_DAYS, Baseline, Kind, account_baseline, history_rows
from models.user_days.rules import GROUPS, GROUPS_FOR_A_FLAG, RULES, Rule
from runtime.arrays import Floats

MAX_STRENGTH = 4.0
"""A rule's strength is at most this many times its threshold: 100 sd are no more evidence than 12."""


@dataclass(frozen=True, slots=True)
class RuleResults:
    """Results of the rules, by user-day; `fired`, `strength`, `values`, `usual` have shape (user-days, rules)."""

    fired: NDArray[np.bool_]
    strength: Floats
    """How far over its threshold a rule is, 1 = just; 0 where it does not fire."""
    is_flagged: NDArray[np.bool_]
    score: Floats
    values: Floats
    usual: Floats
    """Median of the baseline of each value."""
    history_days: NDArray[np.int64]
    is_own: NDArray[np.bool_]
    """Whether the baseline is the account's own history; else it is its cohort's."""


def baseline_or_cohort(
    days: pd.DataFrame, values: Floats, kind: Kind = "rolling"
) -> tuple[Baseline, NDArray[np.int64]]:
    """Return the baseline of each user-day, and the number of active days in its own history.

    The baseline is that of the account, or of its cohort where the account has under MIN_ACTIVE_DAYS active days.
    """
    own = account_baseline(values, history_rows(days, kind))
    history_days = own.days.copy()
    wanted = np.flatnonzero(own.days < MIN_ACTIVE_DAYS)
    if len(wanted):
        cohort = cohort_baseline(days, values, wanted)
        for name in ("median", "mad", "mean", "sd", "days", "low", "high"):
            getattr(own, name)[wanted] = getattr(cohort, name)
    return own, history_days


def feature_matrix(days: pd.DataFrame, names: tuple[str, ...]) -> Floats:
    """Return columns as floats (rows, columns); a column that the table lacks is NaN, never 0."""
    return np.column_stack(
        [
            days[name].to_numpy(dtype=np.float64, na_value=np.nan) if name in days else np.full(len(days), np.nan)
            for name in names
        ]
    )


def apply_rules(days: pd.DataFrame, kind: Kind = "rolling", rules: tuple[Rule, ...] = RULES) -> RuleResults:
    """Apply the rules to user-days, sorted by `sort_user_days`. A missing value fires no rule."""
    values = feature_matrix(days, tuple(rule.feature for rule in rules))
    known, history_days = baseline_or_cohort(days, values, kind)
    z = known.z(values, np.array([rule.min_spread for rule in rules]))
    plays = days["plays"].to_numpy(dtype=np.float64)
    is_own = history_days >= MIN_ACTIVE_DAYS
    strength = np.column_stack(
        [
            _strength(rule, values[:, i], z[:, i], known.column(i), plays) * (is_own | (not rule.needs_own))
            for i, rule in enumerate(rules)
        ]
    )
    score, groups = _score(strength, rules)
    return RuleResults(
        fired=strength > 0,
        strength=strength,
        is_flagged=groups >= GROUPS_FOR_A_FLAG,
        score=score,
        values=values,
        usual=known.median,
        history_days=history_days,
        is_own=is_own,
    )


def _strength(rule: Rule, value: Floats, z: Floats, known: Baseline, plays: Floats) -> Floats:
    """Return by user-day how far over its threshold a rule is. `known`: the baseline of its feature."""
    sign = 1.0 if rule.direction == "high" else -1.0
    with np.errstate(invalid="ignore"):  # comparisons with NaN are false, as they should be
        fires = (sign * value >= sign * rule.floor) & (plays >= rule.min_plays)
        if rule.z is None:
            return np.where(fires, 1.0, 0.0)
        fires &= (sign * z >= rule.z) & (value > known.high if rule.direction == "high" else value < known.low)
        if rule.min_sds:
            fires &= value > known.mean + rule.min_sds * known.sd
        return np.where(fires, np.minimum(sign * z / rule.z, MAX_STRENGTH), 0.0)


def _score(strength: Floats, rules: tuple[Rule, ...]) -> tuple[Floats, NDArray[np.int64]]:
    """Return score and number of groups that fire; a rule that is enough by itself counts as one more group.

    0.5 and over is a flag, and more evidence is never a lower score.
    """
    by_group = np.column_stack(
        [
            strength[:, [i for i, rule in enumerate(rules) if rule.group == group]].max(axis=1, initial=0.0)
            for group in GROUPS
        ]
    )
    enough = strength[:, [i for i, rule in enumerate(rules) if rule.is_enough]].max(axis=1, initial=0.0)
    groups = (by_group > 0).sum(axis=1) + (enough > 0)
    evidence = by_group.sum(axis=1) + enough
    flagged = 0.5 + 0.5 * (1 - np.exp(-(evidence - GROUPS_FOR_A_FLAG) / MAX_STRENGTH))
    return np.where(groups >= GROUPS_FOR_A_FLAG, flagged, 0.49 * (1 - np.exp(-evidence / MAX_STRENGTH))), groups
