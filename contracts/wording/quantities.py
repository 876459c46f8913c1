"""Values as a person reads them: each with its unit, once."""

import math
from collections.abc import Callable

UNKNOWN = "unknown"
HUNDRED_PERCENT = 99.95
"""From here a percentage of one decimal would read 100.0."""


def format_quantity(value: float | None, unit: str, unknown: str = UNKNOWN) -> str:
    """Write a value with its unit; `unknown` for None and NaN.

    >>> format_quantity(0.5, "share"), format_quantity(1834.0, "count"), format_quantity(1.42, "h")
    ('50 %', '1,834', '1.4 h')
    >>> format_quantity(0.7, "h"), format_quantity(1.0, "days"), format_quantity(-3.0, "log10")
    ('42 min', '1 day', '1 in 1,000 plays')
    >>> format_quantity(6.6, "log-odds"), format_quantity(None, "s")
    ('over 0.99', 'unknown')
    """
    if value is None or not math.isfinite(value):
        return unknown
    return FORMATS[unit](value) if unit in FORMATS else f"{value:.3g}"


def count_of(number: int, one: str, many: str = "") -> str:
    """Write a number of things.

    >>> count_of(1, "account"), count_of(1200, "account"), count_of(2, "person", "people")
    ('1 account', '1,200 accounts', '2 people')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _decimal(number: float) -> str:
    """Write a number with one decimal below 10, with none from there on."""
    rounded = round(number, 1)
    return f"{number:,.0f}" if abs(number) >= 10 or rounded == int(rounded) else f"{rounded:.1f}"


def _share(share: float) -> str:
    percent = 100 * share
    if 0 < percent < 0.1:
        return "under 0.1 %"
    if 99 < percent < 100:
        return "over 99.9 %" if percent >= HUNDRED_PERCENT else f"{percent:.1f} %"
    return f"{percent:.1f} %" if 0 < percent < 1 else f"{percent:.0f} %"


def _hours(hours: float) -> str:
    if 0 < abs(hours) < 1:
        return f"{60 * hours:.0f} min" if abs(hours) >= 1 / 60 else "under 1 min"
    return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.1f} h"


def _seconds(seconds: float) -> str:
    return f"{_decimal(seconds / 60)} min" if seconds >= 120 else f"{_decimal(seconds)} s"


def _days(days: float) -> str:
    text = _decimal(days)
    return f"{text} day" if text == "1" else f"{text} days"


def _popularity(exponent: float) -> str:
    one_in = 10 ** max(min(-exponent, 15), 0)
    return "every play" if one_in < 1.5 else f"1 in {one_in:,.0f} plays"


def _popularity_change(exponent: float) -> str:
    if abs(exponent) < 0.05:
        return "as popular"
    return f"{_decimal(10 ** min(abs(exponent), 15))} times {'more popular' if exponent > 0 else 'rarer'}"


def format_score(score: float) -> str:
    """Write a score in [0, 1].

    >>> format_score(0.953), format_score(0.9996), format_score(0.001)
    ('0.95', 'over 0.99', 'under 0.01')
    """
    if score >= 0.995:
        return "over 0.99"
    return "under 0.01" if score < 0.005 else f"{score:.2f}"


def _score_of(log_odds: float) -> str:
    return format_score(1 / (1 + math.exp(-max(min(log_odds, 30.0), -30.0))))


FORMATS: dict[str, Callable[[float], str]] = {
    "share": _share,
    "share difference": lambda share: f"{100 * share:+.0f} points",
    "count": _decimal,
    "plays": lambda plays: count_of(round(plays), "play"),
    "h": _hours,
    "s": _seconds,
    "days": _days,
    "1/h": lambda rate: f"{_decimal(rate)} per hour",
    "km/h": lambda speed: f"{speed:,.0f} km/h",
    "0/1": lambda value: "yes" if value else "no",
    "bits": lambda bits: f"{bits:.1f}",
    "bits difference": lambda bits: f"{bits:+.1f}",
    "sd": lambda sd: f"{sd:+.1f} × its usual variation",
    "ratio": lambda ratio: f"{ratio:.2f}",
    "correlation": lambda correlation: f"{correlation:.2f}",
    "log10": _popularity,
    "log10 difference": _popularity_change,
    "log-odds": _score_of,
    "score": format_score,
    "log-odds sum": lambda log_odds: f"{log_odds:.1f}",
}
"""Unit of a feature -> how its value is written. An entropy has no unit that a reader knows: its name has its scale.
Log-odds are written as the score that they are the logarithm of."""
