"""Why an account is suspected, in words: numbers with what is usual for honest accounts and for this one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.features import FEATURE_NAMES, SESSION_FEATURES

BY_NAME = {feature.name: feature for feature in SESSION_FEATURES}
PLACE = {name: place for place, name in enumerate(FEATURE_NAMES)}
_PERCENT = {"share": "{:.0f} %", "share difference": "{:+.0f} points"}
LOW, HIGH = 5, 95
"""Percentiles between which a value is called usual."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature that pushed the score up, over all flagged sessions of an account."""

    feature: str
    words: str
    value: str
    """Its median over the sessions where it was among the reasons, as text."""
    usual: str
    """What 90 % of honest sessions have."""
    is_usual: bool
    """Whether its value lies there too, so that it tells only beside the other reasons."""
    own: str
    """The median of the account's sessions that were not flagged; empty where there is none."""
    contribution: float
    """Mean push in log-odds over the flagged sessions."""
    sessions: int


def amount(name: str, value: float | None) -> str:
    """Write a feature's value for a person.

    >>> amount("skip_rate", 0.8222), amount("streams", 84.0), amount("pause_mean_s", None)
    ('82 %', '84', 'not measurable')
    """
    if value is None or not np.isfinite(value):
        return "not measurable"
    unit = BY_NAME[name].unit
    if unit in _PERCENT:
        return _PERCENT[unit].format(100 * value)
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "0/1":
        return "yes" if value else "no"
    if unit == "log10":
        return f"1 in {10 ** min(-value, 15):,.0f} plays"
    suffix = {"h": " h", "1/h": " an hour", "s": " s", "days": " days", "bits": " bits", "sd": " sd"}.get(unit, "")
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 or unit in ("h", "1/h", "s", "days") else 2
    return f"{value:,.{digits}f}{suffix}"


def span(name: str, values: NDArray[np.float64]) -> str:
    """Write between which values nine in ten of these lie.

    >>> span("streams", np.arange(0.0, 101.0))
    '5 to 95'
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return "not measurable"
    low, high = (amount(name, float(x)) for x in np.percentile(known, (LOW, HIGH)))
    return low if low == high else f"{low} to {high}"


def _is_usual(values: NDArray[np.float64], usual: NDArray[np.float64]) -> bool:
    known = usual[np.isfinite(usual)]
    if not len(known) or not len(values):
        return False
    low, high = np.percentile(known, (LOW, HIGH))
    return bool(low <= np.median(values) <= high)


def features_of(sessions: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Return the sessions' features as (sessions, features)."""
    rows = [np.frombuffer(s["features"], np.float32) for s in sessions]
    return np.array(rows, dtype=np.float64).reshape(-1, len(FEATURE_NAMES))


def reasons_of(sessions: list[dict[str, Any]], usual: NDArray[np.float64]) -> list[Reason]:
    """Sum up the reasons of an account's flagged sessions, strongest first. `usual`: honest sessions × features."""
    flagged = [s for s in sessions if s["is_flagged"]]
    own = features_of([s for s in sessions if not s["is_flagged"]])
    pushes: dict[str, list[tuple[float, float]]] = {}
    for session in flagged:
        for reason in session["reasons"]:
            if reason["feature"] in PLACE and reason["contribution"] > 0:
                value = np.nan if reason["value"] is None else reason["value"]
                pushes.setdefault(reason["feature"], []).append((value, reason["contribution"]))
    found = []
    for name, pairs in pushes.items():
        values, contributions = np.array(pairs, dtype=np.float64).T
        mine = own[:, PLACE[name]]
        mine = mine[np.isfinite(mine)]
        known = values[np.isfinite(values)]
        found.append(
            Reason(
                name,
                BY_NAME[name].words,
                amount(name, float(np.median(known)) if len(known) else None),
                span(name, usual[:, PLACE[name]]) if len(usual) else "not known yet",
                _is_usual(known, usual[:, PLACE[name]]) if len(usual) else False,
                amount(name, float(np.median(mine))) if len(mine) else "",
                float(contributions.sum()) / len(flagged),
                len(pairs),
            )
        )
    return sorted(found, key=lambda reason: -reason.contribution)


def sentence(reason: Reason) -> str:
    """Say a reason in one line.

    >>> sentence(Reason("streams", "streams", "84", "0 to 21", False, "", 4.4, 3))
    'Streams: 84 in a session, where honest sessions mostly have 0 to 21.'
    >>> sentence(Reason("skip_rate", "skips", "90 %", "0 % to 95 %", True, "", 2.5, 3))
    'Skips: 90 % in a session, as some honest sessions have too (0 % to 95 %): it tells only beside the rest.'
    """
    own = f" This account's other sessions: {reason.own}." if reason.own else ""
    words = reason.words[0].upper() + reason.words[1:]
    if reason.is_usual:
        usual = f"as some honest sessions have too ({reason.usual}): it tells only beside the rest."
    else:
        usual = f"where honest sessions mostly have {reason.usual}."
    return f"{words}: {reason.value} in a session, {usual}{own}"
