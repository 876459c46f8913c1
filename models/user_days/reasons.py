"""Format why a user-day was flagged: each reason with the value and the usual one."""

import numpy as np
from numpy.typing import NDArray

from contracts.features import Feature
from contracts.wording.features import format_phrase
from contracts.wording.quantities import format_quantity
from contracts.wording.reasons import PAIR, UNBROKEN, UNUSUAL_PAIR, USUAL_COHORT, USUAL_OWN
from models.user_days.by_rules import RuleResults
from models.user_days.rules import RULES
from runtime.arrays import Floats, Ints

AND_USUAL = "; {usual}"
MAX_CONTRAST = 100.0
"""Times the usual value beyond which more tells nothing more."""
NEAR_SHARE = 0.1
"""Share of the larger one, of shares the difference, by which a value and the usual one are called near (a choice of
words)."""


def rule_reasons(ruled: RuleResults, row: int, is_unbroken: bool) -> list[str]:
    """Format the rules that fired on a row, the strongest first."""
    order = np.argsort(-ruled.strength[row], kind="stable")
    reasons = []
    for i in order[ruled.strength[row, order] > 0]:
        rule = RULES[i]
        value = format_quantity(ruled.values[row, i], rule.unit) + UNBROKEN * (is_unbroken and rule.name == "hours")
        usual = format_usual(format_quantity(ruled.usual[row, i], rule.unit), bool(ruled.is_own[row]))
        # a rule that needs no history fires where nothing is known to be usual, too
        reason = rule.reason if np.isfinite(ruled.usual[row, i]) else rule.reason.removesuffix(AND_USUAL)
        reasons.append(reason.format(value=value, usual=usual))
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

    >>> pair = Feature("hours", "h", "", "time heard"), Feature("n_ips", "count", "", "network addresses")
    >>> forest_reason(pair, np.array([9.0, 4.0]), np.array([1.0, 1.0]), True)
    'an unusual combination: 9.0 h of listening with 4 network addresses; usually 1.0 h and 1'
    """
    first, second = (format_phrase(feature, value) for feature, value in zip(pair, values, strict=True))
    texts = [format_quantity(value, feature.unit) for feature, value in zip(pair, usual, strict=True)]
    both = PAIR.format(first=texts[0], second=texts[1])
    return UNUSUAL_PAIR.format(first=first, second=second, usual=format_usual(both, is_own))


def format_usual(usual: str, is_own: bool) -> str:
    """Say what is usual: on the account's own days, or else for similar accounts."""
    return (USUAL_OWN if is_own else USUAL_COHORT).format(usual=usual)


def contrast(value: float, usual: float, unit: str) -> float:
    """Return how far a value is from the usual one, to put the strongest fact first: 0 where they are near.

    >>> contrast(114.0, 14.0, "count") > contrast(0.86, 0.5, "share") > contrast(0.52, 0.5, "share") == 0
    True
    """
    if np.isnan(value) or np.isnan(usual) or is_near_usual(value, usual, unit):
        return 0.0
    low, high = sorted((abs(value), abs(usual)))
    return float(min(high / low, MAX_CONTRAST)) if low > 0 else MAX_CONTRAST


def is_near_usual(value: float, usual: float, unit: str) -> bool:
    """Whether a value is so near the usual one that it tells a person nothing alone; not where one of them is unknown.

    >>> is_near_usual(5.7, 5.6, "bits"), is_near_usual(0.0, 0.05, "share"), is_near_usual(3.0, float("nan"), "h")
    (True, True, False)
    """
    near = NEAR_SHARE if unit == "share" else NEAR_SHARE * max(abs(value), abs(usual))
    return bool(abs(value - usual) <= near)
