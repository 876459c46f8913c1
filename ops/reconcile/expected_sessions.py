"""What the sessions query must make of the rows that it read: late rows, duplicates, sessions. Pure functions.

The rules, as arrays over rows:
- a topic is as far as the slowest of its partitions that have rows in a micro-batch; the watermark is a minute behind
  the slower topic, or Spark's of the micro-batch before (`batchWatermarkMs` of `offsets/N`) where that is newer, and
  never goes back;
- micro-batch N drops as late what is at or before the watermark after batch N-1, and closes what is at or before that
  after its own rows;
- a duplicate has the account, time, topic and id of an earlier row. That one is in an open session: were it closed, the
  duplicate would be late;
- a session is [first row, last row + gap]; sessions that touch are one; it is written once its end is at or before the
  watermark;
- one of LARGE rows takes those of its last time as well, and ends there: it is written once its last row is at or
  before the watermark.
A row that is not late lies after every session that has been written, so it never joins one: which rows make a session
does not depend on the micro-batches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from contracts.events import ACTIVITY, PLAYS
from runtime.arrays import Bools, Ints
from runtime.units import HOUR_MS, MINUTE_MS

GAP_MS = 30 * MINUTE_MS
DELAY_MS = MINUTE_MS
CUT_MS = 3 * HOUR_MS
LARGE = 65_536
TOPIC_CODES = {PLAYS: 0, ACTIVITY: 1}
SmallInts = NDArray[np.integer[Any]]
"""Integers of few bytes: hours of a busy topic are to fit into memory."""


@dataclass(frozen=True, slots=True)
class GoodRows:
    """Good rows, heartbeats left out, in the order in which each partition has them. Hashes are Spark's xxhash64."""

    topic: SmallInts
    id_hash: Ints
    user_hash: Ints
    event_ms: Ints
    start_ms: Ints
    """event_time less listen_ms for a play, event_time for activity."""
    batch: SmallInts
    """Micro-batch that read the row."""

    def __len__(self) -> int:
        return len(self.event_ms)

    def where(self, mask: Bools | Ints) -> "GoodRows":
        return GoodRows(*(getattr(self, name)[mask] for name in self.__slots__))


def is_late(rows: GoodRows, watermarks: Ints) -> Bools:
    """Return which rows are late; `watermarks` has that after each micro-batch, in ms."""
    return rows.event_ms <= np.concatenate([[0], watermarks])[rows.batch]


def watermarks_after(newest_ms: Iterable[Ints], of_spark_ms: Ints) -> Ints:
    """Return the watermark after each micro-batch, in ms, by how far each topic is then, and Spark's in force in it.

    >>> watermarks_after([np.array([200_000, 300_000]), np.array([0, 100_000])], np.array([0, 30_000])).tolist()
    [0, 40000]
    """
    return np.maximum.accumulate(np.maximum(np.min(list(newest_ms), axis=0) - DELAY_MS, of_spark_ms))


def is_duplicate(rows: GoodRows) -> Bools:
    """Return which rows, none of them late, repeat the account, time, topic and id of an earlier one."""
    keys = rows.id_hash, rows.topic, rows.event_ms, rows.user_hash
    order = np.lexsort((rows.batch, *keys))
    repeats = np.ones(max(len(rows) - 1, 0), bool)
    for key in keys:
        ordered = key[order]
        repeats &= ordered[1:] == ordered[:-1]
    duplicate = np.zeros(len(rows), bool)
    duplicate[order[1:][repeats]] = True
    return duplicate


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions in the form that they are compared in: an account, its times, and the rows of each topic in it."""

    user_hash: Ints
    started_ms: Ints
    ended_ms: Ints
    plays_rows: Ints
    plays_hash: Ints
    activity_rows: Ints
    activity_hash: Ints

    def __len__(self) -> int:
        return len(self.user_hash)

    def where(self, mask: Bools | Ints) -> "Sessions":
        return Sessions(*(getattr(self, name)[mask] for name in self.__slots__))

    def rows(self, topic: str) -> int:
        """Count the rows of a topic in all of them."""
        return int(getattr(self, f"{topic}_rows").sum())

    def keys(self) -> list[bytes]:
        """Return each session as bytes that can be counted and compared."""
        matrix = np.column_stack([getattr(self, name) for name in self.__slots__])
        return np.ascontiguousarray(matrix).view(f"V{8 * matrix.shape[1]}").ravel().tolist()

    def is_closed(self, watermark_ms: int) -> Bools:
        is_large = self.plays_rows + self.activity_rows >= LARGE
        return np.where(is_large, self.ended_ms, self.ended_ms + GAP_MS) <= watermark_ms


Columns = TypeVar("Columns", GoodRows, Sessions)


def concatenate(kind: type[Columns], parts: Sequence[Columns]) -> Columns:
    """Join parts in their order."""
    return kind(*(_joined(field.name, parts) for field in fields(kind)))


def _joined(name: str, parts: Sequence[GoodRows] | Sequence[Sessions]) -> Ints:
    return np.concatenate([getattr(part, name) for part in parts] or [np.empty(0, np.int64)])


def _in_sessions(rows: GoodRows) -> tuple[GoodRows, Ints]:
    """Return rows in the order of their sessions, and where each session begins."""
    cut = (rows.event_ms + rows.user_hash % CUT_MS) // CUT_MS
    order = np.lexsort((rows.event_ms, cut, rows.user_hash))
    rows, cut = rows.where(order), cut[order]
    is_first = np.ones(len(rows), bool)
    is_first[1:] = (
        (rows.user_hash[1:] != rows.user_hash[:-1])
        | (cut[1:] != cut[:-1])
        | (rows.event_ms[1:] - rows.event_ms[:-1] > GAP_MS)
    )
    return rows, _with_ends_of_large(np.flatnonzero(is_first), rows.event_ms)


def _with_ends_of_large(first: Ints, event_ms: Ints) -> Ints:
    """Add where the sessions begin that come after large ones."""
    added = []
    ends = np.append(first[1:], len(event_ms))[: len(first)]
    for start, end in np.column_stack([first, ends])[ends - first > LARGE].tolist():
        begin = start
        while end - begin > LARGE:
            # the rows of the time of row number LARGE still belong to it
            begin += int(np.searchsorted(event_ms[begin:end], event_ms[begin + LARGE - 1], side="right"))
            if begin < end:
                added.append(begin)
    return np.union1d(first, np.array(added, np.int64))


def sessionize(rows: GoodRows) -> tuple[Sessions, Ints]:
    """Gather rows that are neither late nor duplicate into sessions; return also the first event time of each."""
    rows, first = _in_sessions(rows)
    if not len(first):
        return Sessions(*(np.empty(0, np.int64) for _ in Sessions.__slots__)), np.empty(0, np.int64)
    last = np.append(first[1:], len(rows)) - 1
    counts = {}
    for name, code in TOPIC_CODES.items():
        is_topic = rows.topic == code
        counts[f"{name}_rows"] = np.add.reduceat(is_topic.astype(np.int64), first)
        # 64-bit sums wrap, in Spark as here
        counts[f"{name}_hash"] = np.add.reduceat(np.where(is_topic, rows.id_hash, 0), first)
    sessions = Sessions(
        user_hash=rows.user_hash[first],
        started_ms=np.minimum.reduceat(rows.start_ms, first),
        ended_ms=rows.event_ms[last],
        **counts,
    )
    return sessions, rows.event_ms[first]
