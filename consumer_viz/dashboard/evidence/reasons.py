"""Why an account is suspected, in words: values next to what is usual for honest accounts and for this account."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.features import FEATURE_NAMES, SESSION_FEATURES
from runtime.arrays import Floats

FEATURES = {feature.name: feature for feature in SESSION_FEATURES}
FEATURE_COLUMN = {name: column for column, name in enumerate(FEATURE_NAMES)}
"""Name of a feature -> its column in an array of features."""
SHARE_FORMATS = {"share": "{:.0f} %", "share difference": "{:+.0f} points"}
UNIT_SUFFIXES = {"h": " h", "1/h": " per hour", "s": " s", "days": " days", "bits": " bits", "sd": " sd"}
LOW_PERCENTILE, HIGH_PERCENTILE = 5, 95
"""A value between these percentiles of honest sessions is called usual."""
NOT_MEASURABLE, NOT_KNOWN = "not measurable", "not known yet"


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature that raised the score, over all flagged sessions of an account. Values are text for a person."""

    feature: str
    label: str
    value: str
    """Median over the sessions that have it among their reasons."""
    usual: str
    """Range of 90 % of the honest sessions."""
    is_usual: bool
    """Whether the value is in that range, so that it counts only together with the other reasons."""
    own: str
    """Median of the account's sessions that were not flagged; empty where it has none."""
    contribution: float
    """Mean increase of the score over the flagged sessions, in log-odds."""
    sessions: int


def format_value(name: str, value: float | None) -> str:
    """Write a feature's value for a person.

    >>> format_value("skip_rate", 0.8222), format_value("streams", 84.0), format_value("pause_mean_s", None)
    ('82 %', '84', 'not measurable')
    """
    if value is None or not np.isfinite(value):
        return NOT_MEASURABLE
    unit = FEATURES[name].unit
    if unit in SHARE_FORMATS:
        return SHARE_FORMATS[unit].format(100 * value)
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "0/1":
        return "yes" if value else "no"
    if unit == "log10":
        return f"1 in {10 ** min(-value, 15):,.0f} plays"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 or unit in ("h", "1/h", "s", "days") else 2
    return f"{value:,.{digits}f}{UNIT_SUFFIXES.get(unit, '')}"


def format_range(name: str, values: Floats) -> str:
    """Write the range of nine in ten of a feature's values.

    >>> format_range("streams", np.arange(0.0, 101.0))
    '5 to 95'
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return NOT_MEASURABLE
    low, high = (format_value(name, float(x)) for x in np.percentile(known, (LOW_PERCENTILE, HIGH_PERCENTILE)))
    return low if low == high else f"{low} to {high}"


def _is_usual(values: Floats, honest: Floats) -> bool:
    known = honest[np.isfinite(honest)]
    if not len(known) or not len(values):
        return False
    low, high = np.percentile(known, (LOW_PERCENTILE, HIGH_PERCENTILE))
    return bool(low <= np.median(values) <= high)


def features_of(sessions: list[dict[str, Any]]) -> Floats:
    """Return the features of sessions of the index as (sessions, features)."""
    rows = [np.frombuffer(s["features"], np.float32) for s in sessions]
    return np.array(rows, dtype=np.float64).reshape(-1, len(FEATURE_NAMES))


def reasons_of(sessions: list[dict[str, Any]], honest: Floats) -> list[Reason]:
    """Sum up the reasons of an account's flagged sessions, the strongest first.

    `honest`: features of honest sessions as (sessions, features).
    """
    flagged = [s for s in sessions if s["is_flagged"]]
    own = features_of([s for s in sessions if not s["is_flagged"]])
    by_feature: dict[str, list[tuple[float, float]]] = {}
    for session in flagged:
        for reason in session["reasons"]:
            if reason["feature"] in FEATURE_COLUMN and reason["contribution"] > 0:
                value = np.nan if reason["value"] is None else reason["value"]
                by_feature.setdefault(reason["feature"], []).append((value, reason["contribution"]))
    reasons = []
    for name, pairs in by_feature.items():
        values, contributions = np.array(pairs, dtype=np.float64).T
        own_values = own[:, FEATURE_COLUMN[name]]
        own_values = own_values[np.isfinite(own_values)]
        known = values[np.isfinite(values)]
        reasons.append(
            Reason(
                name,
                FEATURES[name].display_name,
                format_value(name, float(np.median(known)) if len(known) else None),
                format_range(name, honest[:, FEATURE_COLUMN[name]]) if len(honest) else NOT_KNOWN,
                _is_usual(known, honest[:, FEATURE_COLUMN[name]]) if len(honest) else False,
                format_value(name, float(np.median(own_values))) if len(own_values) else "",
                float(contributions.sum()) / len(flagged),
                len(pairs),
            )
        )
    return sorted(reasons, key=lambda reason: -reason.contribution)


def format_reason(reason: Reason) -> str:
    """Write a reason as one or more sentences.

    >>> format_reason(Reason("streams", "streams", "84", "0 to 21", False, "", 4.4, 3))
    'Streams: 84 in a session, where honest sessions mostly have 0 to 21.'
    >>> format_reason(Reason("skip_rate", "skips", "90 %", "0 % to 95 %", True, "", 2.5, 3))
    'Skips: 90 % in a session. Common on its own (honest sessions: 0 % to 95 %); it counts only with the other reasons.'
    """
    own = f" This account's other sessions: {reason.own}." if reason.own else ""
    head = f"{reason.label[0].upper()}{reason.label[1:]}: {reason.value} in a session"
    if reason.is_usual:
        return (
            f"{head}. Common on its own (honest sessions: {reason.usual}); it counts only with the other reasons.{own}"
        )
    return f"{head}, where honest sessions mostly have {reason.usual}.{own}"
