"""Apply the rules to user-days: which fire, how strongly, and whether rules of two groups agree."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.user_days.cohort import usual_of_cohort
from models.user_days.history import LEAST_DAYS, Kind, Usual, earlier_rows, usual
from models.user_days.rules import GROUPS, GROUPS_FOR_A_FLAG, RULES, Rule
from runtime.arrays import Floats

STRONGEST = 4.0
"""A rule's evidence is capped at this many times its threshold: 100 sd are no better than 12."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What the rules say of user-days: arrays by row, `fired` and `strength` of shape (rows, rules)."""

    fired: NDArray[np.bool_]
    strength: Floats
    """How far over its threshold a rule is, 1 = just; 0 where it does not fire."""
    is_flagged: NDArray[np.bool_]
    score: Floats
    values: Floats
    usual: Floats
    """Median of the history behind each value."""
    history_days: NDArray[np.int64]
    is_own: NDArray[np.bool_]
    """Whether the account's own history was enough; else its cohort's stood in."""


def with_cohort(days: pd.DataFrame, values: Floats, kind: Kind = "rolling") -> tuple[Usual, NDArray[np.int64]]:
    """Return what is usual for each row and its own active days; the cohort stands in where those are too few."""
    own = usual(values, earlier_rows(days, kind))
    history_days = own.days.copy()
    wanted = np.flatnonzero(own.days < LEAST_DAYS)
    if len(wanted):
        cohort = usual_of_cohort(days, values, wanted)
        for name in ("median", "mad", "mean", "sd", "days"):
            getattr(own, name)[wanted] = getattr(cohort, name)
    return own, history_days


def columns_of(days: pd.DataFrame, names: tuple[str, ...]) -> Floats:
    """Return columns as floats (rows, columns); one that the table lacks is unknown throughout, never 0."""
    return np.column_stack(
        [
            days[name].to_numpy(dtype=np.float64, na_value=np.nan) if name in days else np.full(len(days), np.nan)
            for name in names
        ]
    )


def apply_rules(days: pd.DataFrame, kind: Kind = "rolling", rules: tuple[Rule, ...] = RULES) -> Ruled:
    """Judge user-days, in order (`history.in_order`). A value that is null fires nothing."""
    values = columns_of(days, tuple(rule.feature for rule in rules))
    known, history_days = with_cohort(days, values, kind)
    z = known.z(values, np.array([rule.least_spread for rule in rules]))
    plays = days["plays"].to_numpy(dtype=np.float64)
    strength = np.column_stack(
        [
            _strength(rule, values[:, i], z[:, i], known.mean[:, i], known.sd[:, i], plays)
            for i, rule in enumerate(rules)
        ]
    )
    score, groups = _score(strength, rules)
    return Ruled(
        fired=strength > 0,
        strength=strength,
        is_flagged=groups >= GROUPS_FOR_A_FLAG,
        score=score,
        values=values,
        usual=known.median,
        history_days=history_days,
        is_own=history_days >= LEAST_DAYS,
    )


def _strength(rule: Rule, value: Floats, z: Floats, mean: Floats, sd: Floats, plays: Floats) -> Floats:
    sign = 1.0 if rule.direction == "high" else -1.0
    with np.errstate(invalid="ignore"):  # comparisons with NaN are false, as they should be
        fires = (sign * value >= sign * rule.floor) & (plays >= rule.least_plays)
        if rule.z is None:
            return np.where(fires, 1.0, 0.0)
        fires &= sign * z >= rule.z
        if rule.least_sds:
            fires &= value > mean + rule.least_sds * sd
        return np.where(fires, np.minimum(sign * z / rule.z, STRONGEST), 0.0)


def _score(strength: Floats, rules: tuple[Rule, ...]) -> tuple[Floats, NDArray[np.int64]]:
    """Return score and number of groups that fire. 0.5 and over is a flag, and more evidence is never a lower score."""
    by_group = np.column_stack(
        [
            strength[:, [i for i, rule in enumerate(rules) if rule.group == group]].max(axis=1, initial=0.0)
            for group in GROUPS
        ]
    )
    groups = (by_group > 0).sum(axis=1)
    evidence = by_group.sum(axis=1)
    flagged = 0.5 + 0.5 * (1 - np.exp(-(evidence - GROUPS_FOR_A_FLAG) / STRONGEST))
    return np.where(groups >= GROUPS_FOR_A_FLAG, flagged, 0.49 * (1 - np.exp(-evidence / STRONGEST))), groups
