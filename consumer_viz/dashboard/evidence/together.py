"""Facts that are common one by one and rare together: "skips so much, and still streams so many"."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from consumer_viz.dashboard.evidence.reasons import (
    FEATURE_COLUMN,
    FEATURES,
    HIGH_PERCENTILE,
    LOW_PERCENTILE,
    Reason,
    features_of,
    format_value,
)
from contracts.wording import reasons as words
from contracts.wording.features import format_phrase, is_counted
from runtime.arrays import Bools, Floats

MIN_SESSIONS = 30
"""Honest sessions that share the first value, from which a range of the second means something."""


def joint_fact(flagged: Sequence[dict[str, Any]], reasons: Sequence[Reason], honest: Floats) -> tuple[str, str]:
    """Write the strongest common reason with the other one with which it is rarest; return its feature, and the fact.

    Both are empty where no pair is rare. Values are those of the flagged session with the highest score. `honest`:
    features as (sessions, features).
    """
    if flagged and len(honest):
        values = features_of([max(flagged, key=lambda session: session["score"])])[0]
        names = [reason.feature for reason in reasons]
        for first in (reason.feature for reason in reasons if reason.is_usual):
            found = _rarest(first, [name for name in names if name != first], values, honest)
            if found is not None:
                return first, _format(first, *found, values, honest)
    return "", ""


def _alike(name: str, values: Floats, honest: Floats) -> tuple[Bools, bool]:
    """Return which honest sessions go as far from the middle as a value, and whether that is upwards."""
    column, value = honest[:, FEATURE_COLUMN[name]], values[FEATURE_COLUMN[name]]
    is_high = bool(value >= np.nanmedian(column)) if np.isfinite(column).any() else True
    with np.errstate(invalid="ignore"):
        return np.asarray(column >= value if is_high else column <= value), is_high


def _rarest(first: str, others: Sequence[str], values: Floats, honest: Floats) -> tuple[str, float, bool] | None:
    """Return the other feature that is furthest beyond what honest sessions like the first have, its limit and side."""
    if not np.isfinite(values[FEATURE_COLUMN[first]]):
        return None
    alike, _ = _alike(first, values, honest)
    found: list[tuple[float, tuple[str, float, bool]]] = []
    for name in others:
        value, column = values[FEATURE_COLUMN[name]], honest[:, FEATURE_COLUMN[name]]
        known = column[alike & np.isfinite(column)]
        if len(known) < MIN_SESSIONS or not np.isfinite(value):
            continue
        low, high = np.percentile(known, (LOW_PERCENTILE, HIGH_PERCENTILE))
        limit, is_high = (high, True) if value > high else (low, False)
        beyond = value - high if value > high else low - value
        if beyond > 0:
            found.append((float(beyond / (known.std() + 1e-9)), (name, float(limit), is_high)))
    return max(found)[1] if found else None


def _format(first: str, second: str, limit: float, is_high: bool, values: Floats, honest: Floats) -> str:
    _, is_first_high = _alike(first, values, honest)
    value = format_value(first, float(values[FEATURE_COLUMN[first]]))
    limit_text = words.OF_SECOND.format(value=format_value(second, limit))
    if is_counted(FEATURES[second]):
        limit_text = format_phrase(FEATURES[second], math.ceil(limit) if is_high else math.floor(limit))
    return words.TOGETHER.format(
        first=format_phrase(FEATURES[first], float(values[FEATURE_COLUMN[first]])),
        second=format_phrase(FEATURES[second], float(values[FEATURE_COLUMN[second]])),
        condition=(words.OR_MORE if is_first_high else words.OR_LESS).format(value=value),
        limit=(words.AT_MOST if is_high else words.AT_LEAST).format(value=limit_text),
    )
