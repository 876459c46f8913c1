"""Format why a user-day was flagged: each reason with the value and the usual one."""

import numpy as np
from numpy.typing import NDArray

from contracts.features import Feature
from models.user_days.by_rules import RuleResults
from models.user_days.rules import RULES, format_number
from runtime.arrays import Floats, Ints

UNBROKEN = " without a pause of 2 h"
"""Added to the reason `hours` where they are in one stretch (`longest_wake_h`)."""
OF_OWN, OF_COHORT = "usually", "accounts like it usually"


def rule_reasons(ruled: RuleResults, row: int, is_unbroken: bool) -> list[str]:
    """Format the rules that fired on a row, the strongest first."""
    order = np.argsort(-ruled.strength[row], kind="stable")
    reasons = []
    for i in order[ruled.strength[row, order] > 0]:
        rule = RULES[i]
        value, usual = format_number(ruled.values[row, i], rule.unit), format_number(ruled.usual[row, i], rule.unit)
        reason = rule.reason if ruled.is_own[row] else rule.reason.replace(OF_OWN, OF_COHORT)
        reasons.append(reason.format(value=value + UNBROKEN * (is_unbroken and rule.name == "hours"), usual=usual))
    return reasons


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
    """Format the pair of features that isolates a day.

    >>> pair = Feature("hours", "h", "", "hours heard"), Feature("n_ips", "count", "", "addresses")
    >>> forest_reason(pair, np.array([9.0, 4.0]), np.array([1.0, 1.0]), True)
    'a rare pair: hours heard (9.0 h) with addresses (4); usually 1.0 h and 1'
    """
    (first, second), (one, other) = pair, values
    first_text = f"{first.display_name} ({format_feature(one, first)})"
    second_text = f"{second.display_name} ({format_feature(other, second)})"
    pair_text = f"a rare pair: {first_text} with {second_text}"
    usual_text = f"{format_feature(usual[0], first)} and {format_feature(usual[1], second)}"
    return f"{pair_text}; {OF_OWN if is_own else OF_COHORT} {usual_text}"


def format_feature(value: float, feature: Feature) -> str:
    """Format a feature's value with its unit.

    >>> format_feature(0.5, Feature("skip_rate", "share", "", "")), format_feature(1.2345, Feature("z", "sd", "", ""))
    ('50 %', '1.23')
    >>> format_feature(-3.0, Feature("popularity_mean", "log10", "", ""))
    '1 in 1,000'
    """
    if feature.unit == "log10" and not np.isnan(value):
        return f"1 in {10 ** min(-value, 15):,.0f}"
    if feature.unit in ("h", "share", "count", "bits"):
        return format_number(value, feature.unit)
    return "unknown" if np.isnan(value) else f"{value:.3g}"
