"""When an open session is looked at: after 8, 16, 32, … rows, and when it falls silent in between.

A pure function of event times and two watermarks. A look is due once the watermark has passed it: no row can come
before it any more. So the looks at a session, and the rows that each of them sees, are the same whatever the
micro-batches and the order of arrival; only the micro-batch in which a look is taken depends on them. In batch, with a
watermark at the end of time, every look of a session is due at once.
"""

from dataclasses import dataclass

import numpy as np

from runtime.arrays import Ints
from runtime.units import MINUTE_MS

FIRST_LOOK_ROWS = 8
"""Fewer rows say too little. The next looks are after twice as many each, so their number grows with the logarithm."""
SILENCE_MS = 10 * MINUTE_MS
"""A session without a row for so long is looked at too. Longer than most tracks: a play is reported when it ends."""
GROWTH = 1.5
"""Growth since the last doubling from which a silence is worth a look; the first one per doubling counts."""
_NEVER_MS = np.iinfo(np.int64).max // 2


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks at sessions, by position in rows that are sorted by (session, event time)."""

    first: Ints
    """Where the session begins."""
    last: Ints
    """The last row that the look sees."""
    at_ms: Ints
    """Event time of the look."""

    def __len__(self) -> int:
        return len(self.last)

    @property
    def rows(self) -> Ints:
        """The rows of all looks, end to end."""
        sizes = self.last - self.first + 1
        ends = np.cumsum(sizes)
        return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes - self.first, sizes)

    @property
    def look(self) -> Ints:
        """The look of each of `rows`, 0 to n − 1."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.last - self.first + 1)


def due_looks(event_ms: Ints, first: Ints, watermark_before_ms: int, watermark_ms: int) -> Looks:
    """Return the looks that fall in (watermark_before_ms, watermark_ms], by session and time.

    `event_ms`: rows of sessions, sorted by (session, event time). `first`: where each session begins.

    >>> ms = np.arange(16) * 1000
    >>> looks = due_looks(ms, np.array([0]), 0, 10_000)
    >>> looks.last.tolist(), looks.at_ms.tolist()
    ([7], [7000])
    """
    count = np.arange(len(event_ms)) - np.repeat(first, np.diff(first, append=len(event_ms))) + 1
    enough = np.flatnonzero(count >= FIRST_LOOK_ROWS)
    if not len(enough):
        return Looks(*(np.empty(0, np.int64),) * 3)
    n = count[enough]
    octave = np.frexp(n.astype(np.float64))[1] - 1  # 2 ** octave <= n
    next_ms = np.append(event_ms, _NEVER_MS)[enough + 1]
    next_ms[np.append(count, 1)[enough + 1] == 1] = _NEVER_MS
    is_silent = (n >= GROWTH * 2.0**octave) & (next_ms - event_ms[enough] > SILENCE_MS)
    begin = enough - n + 1
    # the first silence between two doublings
    _, silent = np.unique(begin[is_silent] * 64 + octave[is_silent], return_index=True)
    silences, doublings = enough[is_silent][silent], enough[n == 2.0**octave]
    last = np.concatenate([doublings, silences])
    at_ms = np.concatenate([event_ms[doublings], event_ms[silences] + SILENCE_MS])
    is_due = (at_ms > watermark_before_ms) & (at_ms <= watermark_ms)
    last, at_ms = last[is_due], at_ms[is_due]
    order = np.argsort(last, kind="stable")
    last, at_ms = last[order], at_ms[order]
    return Looks(last - count[last] + 1, last, at_ms)
