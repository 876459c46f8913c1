"""Why an account is suspected, in words: values next to what is usual for honest accounts and for this account."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.features import FEATURE_NAMES, SESSION_FEATURES
from contracts.wording import reasons as words
from contracts.wording.features import format_phrase
from contracts.wording.quantities import format_quantity
from runtime.arrays import Floats

FEATURES = {feature.name: feature for feature in SESSION_FEATURES}
FEATURE_COLUMN = {name: column for column, name in enumerate(FEATURE_NAMES)}
"""Name of a feature -> its column in an array of features."""
LOW_PERCENTILE, HIGH_PERCENTILE = 5, 95
"""A value between these percentiles of honest sessions is called usual."""
NEAR_SHARE = 0.05
"""Share of the range's end by which a value may be beyond it and still be called usual: 90 % against 0 to 89 %."""
NOT_MEASURABLE, NOT_KNOWN = "not measurable", "not known yet"


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature that raised the score, over all flagged sessions of an account. Values are text for a person."""

    feature: str
    label: str
    phrase: str
    """The feature with its value, as part of a sentence."""
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
    """Flagged sessions that have it among their reasons."""
    flagged: int
    """Flagged sessions of the account."""


def format_value(name: str, value: float | None) -> str:
    """Write a feature's value for a person.

    >>> format_value("skip_rate", 0.8222), format_value("streams", 84.0), format_value("pause_mean_s", None)
    ('82 %', '84', 'not measurable')
    """
    return format_quantity(value, FEATURES[name].unit, NOT_MEASURABLE)


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
    return bool(len(known) and len(values)) and distance_beyond(values, honest) == 0


def distance_beyond(values: Floats, honest: Floats) -> float:
    """Return how far the median of values is beyond what nine in ten honest sessions have, in their spread; else 0."""
    known, values = honest[np.isfinite(honest)], values[np.isfinite(values)]
    if not len(known) or not len(values):
        return 0.0
    low, high = np.percentile(known, (LOW_PERCENTILE, HIGH_PERCENTILE))
    margin, median = NEAR_SHARE * max(abs(low), abs(high)), float(np.median(values))
    beyond = max(median - high - margin, low - margin - median, 0.0)
    return float(beyond / max(known.std(), 1e-9))


def is_within(name: str, value: float, usual: tuple[Floats, Floats]) -> bool:
    """Say whether a value is one that nine in ten honest sessions have (`HonestBaseline.usual_range`), or near it."""
    low, high = (float(end[FEATURE_COLUMN[name]]) for end in usual)
    margin = NEAR_SHARE * max(abs(low), abs(high))
    return low - margin <= value <= high + margin


def features_of(sessions: list[dict[str, Any]]) -> Floats:
    """Return the features of sessions of the index as (sessions, features)."""
    rows = [np.frombuffer(s["features"], np.float32) for s in sessions]
    return np.array(rows, dtype=np.float64).reshape(-1, len(FEATURE_NAMES))


def reasons_of(sessions: list[dict[str, Any]], honest: Floats) -> list[Reason]:
    """Sum up the reasons of an account's flagged sessions that were measured, the strongest first.

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
        if not len(known):
            continue  # what was not measured accuses nobody
        median = float(np.median(known))
        reasons.append(
            Reason(
                name,
                FEATURES[name].display_name,
                format_phrase(FEATURES[name], median),
                format_value(name, median),
                format_range(name, honest[:, FEATURE_COLUMN[name]]) if len(honest) else NOT_KNOWN,
                _is_usual(known, honest[:, FEATURE_COLUMN[name]]) if len(honest) else False,
                format_value(name, float(np.median(own_values))) if len(own_values) else "",
                float(contributions.sum()) / len(flagged),
                len(pairs),
                len(flagged),
            )
        )
    return sorted(reasons, key=lambda reason: -reason.contribution)


def format_fact(reason: Reason) -> str:
    """Write a reason whose value honest sessions rarely have.

    >>> format_fact(Reason("streams", "streams", "84 streams", "84", "0 to 21", False, "3", 4.4, 1, 1))
    '84 streams in a suspected session; nine in ten honest sessions: 0 to 21; its other sessions: 3'
    """
    template = words.FACT if reason.flagged == 1 else words.FACT_OF_MANY
    fact = template.format(phrase=reason.phrase, usual=reason.usual, sessions=reason.sessions, flagged=reason.flagged)
    return fact + (f"; {words.OWN_OTHERS.format(own=reason.own)}" if reason.own else "")


def format_common(reasons: Sequence[Reason], has_facts: bool) -> str:
    """Write the reasons whose values honest sessions have too: they count only together with others.

    >>> skips = Reason("skip_rate", "", "90 % of plays ended early", "90 %", "0 % to 95 %", True, "", 2, 3, 3)
    >>> format_common([skips], has_facts=True)[:71]
    'common alone, counts together with the above: 90 % of plays ended early'
    """
    phrases = "; ".join(words.COMMON_PHRASE.format(phrase=reason.phrase, usual=reason.usual) for reason in reasons)
    return (words.COMMON if has_facts else words.ALL_COMMON).format(phrases=phrases)
