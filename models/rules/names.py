"""What a rule may name, by what it looks at."""

import difflib

from contracts.account_windows import WINDOW_FEATURES
from contracts.features import Feature
from contracts.rules import DAY, SESSION, SESSION_NAMES, WEEKS
from contracts.user_day_features import USER_DAY_FEATURES
from models.rules.errors import RuleError

NAMES: dict[str, dict[str, Feature]] = {
    SESSION: {feature.name: feature for feature in SESSION_NAMES},
    DAY: {feature.name: feature for feature in USER_DAY_FEATURES},
    WEEKS: {
        feature.name: feature
        for feature in (*WINDOW_FEATURES, Feature("days", "count", "length of the window: 7 or 28", "days"))
    },
}
"""What a rule looks at -> the features that it may name."""


def names_of(grain: str) -> dict[str, Feature]:
    """Return the features that a rule may name. Raises RuleError for something that no rule looks at."""
    if grain not in NAMES:
        raise RuleError(f"a rule looks at one of {', '.join(NAMES)}, not at {grain!r}")
    return NAMES[grain]


def nearest(name: str, known: dict[str, Feature]) -> str:
    """Return the known name that is spelled most like `name`; empty where none is.

    >>> nearest("skiprate", NAMES[SESSION]), nearest("xyz", NAMES[SESSION])
    ('skip_rate', '')
    """
    return next(iter(difflib.get_close_matches(name.lower(), known, 1, 0.6)), "")
