"""From what the topics hold, and what the tables hold since when, to delays in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime.arrays import Floats, Ints
from spark_app.stages.sessions.session_rows import WATERMARK_DELAY_MS

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Appended:
    """What the broker appended to a topic: when (epoch s), and the newest event time by then (epoch ms). Both grow."""

    at: Floats
    newest_ms: Ints

    @classmethod
    def of(cls, sent_at: Floats, event_ms: Ints) -> "Appended":
        """Sort messages, each with its newest event time, by when they were sent."""
        order = np.argsort(sent_at, kind="stable")
        return cls(sent_at[order], np.maximum.accumulate(event_ms[order]))

    def reached_at(self, event_ms: Ints) -> Floats:
        """Return when the topic first had a row at or after each event time; infinity where it never had.

        >>> Appended.of(np.array([5.0, 7.0]), np.array([100, 300])).reached_at(np.array([50, 200, 300, 301])).tolist()
        [5.0, 7.0, 7.0, inf]
        """
        place = np.searchsorted(self.newest_ms, event_ms)
        return np.append(self.at, np.inf)[place]


def watermark_passed_at(topics: Mapping[str, Appended], event_ms: Ints) -> Floats:
    """Return when the message was sent that moved the watermark to, or past, each event time: the slower topic's."""
    return np.max([topic.reached_at(event_ms + WATERMARK_DELAY_MS) for topic in topics.values()], axis=0)


def summarise(caused_at: Floats, readable_at: Floats, began_at: float, ended_at: float) -> dict[str, Any] | None:
    """Return percentiles of the delays of rows caused within a span of time; None where there are none.

    >>> summarise(np.array([1.0, 2.0, 9.0]), np.array([2.0, 5.0, 9.5]), 0.0, 5.0)
    {'rows': 2, 'p50_s': 2.0, 'p95_s': 2.9, 'p99_s': 2.98}
    """
    chosen = (caused_at >= began_at) & (caused_at < ended_at)
    if not chosen.any():
        return None
    values = np.percentile(readable_at[chosen] - caused_at[chosen], PERCENTILES)
    named = {f"p{p}_s": round(float(value), 2) for p, value in zip(PERCENTILES, values, strict=True)}
    return {"rows": int(chosen.sum()), **named}
