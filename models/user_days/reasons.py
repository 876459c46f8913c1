"""Say why a user-day was flagged, each reason with the number and what is usual."""

import numpy as np
from numpy.typing import NDArray

from contracts.features import Feature
from models.user_days.by_rules import Ruled
from models.user_days.rules import RULES, say
from runtime.arrays import Floats, Ints

UNBROKEN = " without a pause of 2 h"
"""Said of hours that lie in one stretch (`longest_wake_h`)."""
OF_OWN, OF_COHORT = "usually", "accounts like it usually"


def rule_reasons(ruled: Ruled, row: int, is_unbroken: bool) -> list[str]:
    """Say the rules that fired on a row, the strongest first."""
    order = np.argsort(-ruled.strength[row], kind="stable")
    said = []
    for i in order[ruled.strength[row, order] > 0]:
        rule = RULES[i]
        value, usual = say(ruled.values[row, i], rule.unit), say(ruled.usual[row, i], rule.unit)
        words = rule.words if ruled.is_own[row] else rule.words.replace(OF_OWN, OF_COHORT)
        said.append(words.format(value=value + UNBROKEN * (is_unbroken and rule.name == "hours"), usual=usual))
    return said


def is_unbroken(wake_h: Floats, hours: Floats) -> NDArray[np.bool_]:
    """Whether all of a day's listening lies in one stretch without a pause of 2 h; not where that is unknown."""
    with np.errstate(invalid="ignore"):
        return np.asarray(wake_h >= hours)


def rarest_pair(deviation: Floats, history: Ints, row: int) -> tuple[int, int] | None:
    """Return the two features whose pair is rarest in the account's history: the one furthest from any of its days.

    `deviation`: own robust z (rows, features); `history`: rows of the account's earlier days. Without a history the
    account's cohort is at 0 everywhere. None where fewer than two features are known.
    """
    known = np.flatnonzero(~np.isnan(deviation[row]))
    if len(known) < 2:
        return None
    past = np.nan_to_num(deviation[history][:, known]) if len(history) else np.zeros((1, len(known)))
    apart = (deviation[row, known] - past) ** 2  # (days, features)
    distance = (apart[:, :, None] + apart[:, None, :]).min(axis=0)  # to the nearest day, pair by pair
    np.fill_diagonal(distance, -1.0)
    # a pair is no rarer than its better half makes it: among equals the one whose weaker half is further out
    distance += 1e-3 * np.minimum.outer(*2 * [np.abs(deviation[row, known])])
    first, second = divmod(int(np.argmax(distance)), len(known))
    low, high = sorted((first, second))
    return int(known[low]), int(known[high])


def forest_reason(pair: tuple[Feature, Feature], values: Floats, usual: Floats, is_own: bool) -> str:
    """Say the pair that sets a day apart.

    >>> pair = Feature("hours", "h", "", "hours heard"), Feature("n_ips", "count", "", "addresses")
    >>> forest_reason(pair, np.array([9.0, 4.0]), np.array([1.0, 1.0]), True)
    'a rare pair: hours heard 9.0 h with addresses 4; usually 1.0 h and 1'
    """
    (first, second), (one, other) = pair, values
    said = f"a rare pair: {first.words} {number_text(one, first)} with {second.words} {number_text(other, second)}"
    return (
        f"{said}; {OF_OWN if is_own else OF_COHORT} {number_text(usual[0], first)} and {number_text(usual[1], second)}"
    )


def number_text(value: float, feature: Feature) -> str:
    """Write a feature's value with its unit.

    >>> number_text(0.5, Feature("skip_rate", "share", "", "")), number_text(1.2345, Feature("z", "sd", "", ""))
    ('50 %', '1.23')
    >>> number_text(-3.0, Feature("popularity_mean", "log10", "", ""))
    '1 in 1,000'
    """
    if feature.unit == "log10" and not np.isnan(value):
        return f"1 in {10 ** min(-value, 15):,.0f}"
    if feature.unit in ("h", "share", "count", "bits"):
        return say(value, feature.unit)
    return "unknown" if np.isnan(value) else f"{value:.3g}"
