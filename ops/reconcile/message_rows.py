"""What the messages of a topic have: rows by message, and their sums as far as a query has read."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ops.reconcile.expected_sessions import GoodRows
from runtime.arrays import Bools, Ints
from runtime.checkpoint import OffsetLog

_NEVER_MS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class MessageRows:
    """How many rows some messages of one partition have, by offset of the message."""

    partition: int
    offset: Ints
    good: Ints
    id_hash: Ints
    """Sum of the hashes of the good rows' ids, as a wrapped 64-bit number."""
    rejected: Ints
    newest_ms: Ints
    """The newest time of the good rows, heartbeats among them; 0 without any."""
    is_replayed: Bools
    """Which ones the replay sent, by their headers."""


@dataclass(frozen=True, slots=True)
class RowSum:
    """A number of rows, and the sum of their ids' hashes: two sets of rows are the same where both are."""

    rows: int
    id_hash: int


@dataclass(frozen=True, slots=True)
class TopicRows:
    """The rows of a topic, good and rejected ones; heartbeats are left out."""

    name: str
    rows: list[GoodRows]
    """The good ones, in parts: an hour's in one array would be in memory twice for a moment."""
    messages: list[MessageRows]
    ends: dict[int, int]
    """By partition: the offset up to which it was read."""

    @property
    def replayed(self) -> int:
        """Count the rows that the replay sent, without those of other producers or that were sent again."""
        return sum(int((chunk.good + chunk.rejected)[chunk.is_replayed].sum()) for chunk in self.messages)

    @property
    def count(self) -> int:
        return self.good + sum(int(chunk.rejected.sum()) for chunk in self.messages)

    @property
    def good(self) -> int:
        return sum(map(len, self.rows))

    def rejected_until(self, progress: OffsetLog) -> int:
        """Count the rejected rows in messages that a query has read."""
        return sum(int(chunk.rejected[self._is_read(chunk, progress)].sum()) for chunk in self.messages)

    def good_until(self, progress: OffsetLog) -> RowSum:
        """Add up the good rows in messages that a query has read, late ones and duplicates too."""
        read = [(chunk, self._is_read(chunk, progress)) for chunk in self.messages]
        return RowSum(
            sum(int(chunk.good[is_read].sum()) for chunk, is_read in read),
            wrapped_sum(int(chunk.id_hash[is_read].sum()) for chunk, is_read in read),
        )

    def newest_by_batch(self, progress: OffsetLog) -> Ints:
        """Return how far the topic is after each micro-batch, in ms: its slowest partition with good rows in it."""
        partitions = sorted({chunk.partition for chunk in self.messages})
        newest = np.zeros((len(progress), len(partitions)), np.int64)
        for chunk in self.messages:
            is_read = self._is_read(chunk, progress)
            batch = progress.batch_of(self.name, chunk.partition, chunk.offset[is_read])
            np.maximum.at(newest[:, partitions.index(chunk.partition)], batch, chunk.newest_ms[is_read])
        slowest = np.where(newest > 0, newest, _NEVER_MS).min(axis=1, initial=_NEVER_MS)
        return np.maximum.accumulate(np.where(slowest < _NEVER_MS, slowest, 0))

    def _is_read(self, chunk: MessageRows, progress: OffsetLog) -> Bools:
        return chunk.offset < progress.end(self.name, chunk.partition)


def wrapped_sum(hashes: Iterable[int]) -> int:
    """Add 64-bit hashes as NumPy does, without the digits above.

    >>> wrapped_sum([2**63 - 1, 1]) == -(2**63)
    True
    """
    return (sum(hashes) + 2**63) % 2**64 - 2**63
