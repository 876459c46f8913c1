"""How long ago the stream was where the watermark is: seconds by the clock, at whatever pace event time goes."""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any

from runtime.monitoring.progress import MicroBatch

IDLE_S = 60.0
"""A query that has read all messages, and no row for so long, has nothing to be behind of."""
MAX_READINGS = 4096


class WatermarkLag:
    """The lag of one query: `add` its micro-batches in turn, then ask for `seconds`.

    It grows where one topic is silent while the other sends, and where the job does not keep up. The pace of a replay
    does not change it, and a micro-batch without rows does not either.
    """

    def __init__(self, rows_at: float | None = None, oldest: Sequence[float] = ()) -> None:
        """Begin anew, or from what `kept` returned."""
        self._newest_read: deque[tuple[float, float]] = deque([(oldest[0], oldest[1])] if oldest else ())
        """Newest `event_time` so far, and when it was read, both in epoch seconds; none that the watermark passed."""
        self._rows_at = rows_at

    def kept(self) -> dict[str, Any]:
        """Return what has to be kept of the micro-batches so far: JSON."""
        return {"rows_at": self._rows_at, "oldest": list(self._newest_read[0]) if self._newest_read else []}

    def add(self, batch: MicroBatch) -> None:
        """Note how new the rows of a micro-batch are, and forget what the watermark has passed since."""
        if batch.newest_at is not None:
            self._rows_at = batch.ended_at
            if not self._newest_read or batch.newest_at > self._newest_read[-1][0]:
                self._newest_read.append((batch.newest_at, batch.ended_at))
        if batch.watermark_at is not None:
            while self._newest_read and self._newest_read[0][0] < batch.watermark_at:
                self._newest_read.popleft()
        if len(self._newest_read) > MAX_READINGS:
            self._newest_read = deque(islice(self._newest_read, 0, None, 2))  # the oldest stays

    def seconds(self, now: float, waits: bool) -> float | None:
        """Return the lag at `now` (epoch seconds); None before the first row.

        `waits`: whether the topics have messages that no micro-batch has read.
        """
        if self._rows_at is None:
            return None
        if not self._newest_read or (not waits and now - self._rows_at > IDLE_S):
            return 0.0
        return max(now - self._newest_read[0][1], 0.0)
