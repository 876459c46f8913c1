"""Cut a world's raw rows into batches: 200 rows of the master topic each, and the companion's rows of their time span.

Batch k takes the companion's rows in (last time of batch k-1, last time of batch k]. So a row between the spans of two
batches goes with the later one. The first interval is open to the left: a row before the first batch goes with it. The
last is open to the right: a row after the last batch goes with that one. Every row is in exactly one batch. In the shop
the times are `event_time` of browsing rows and `created_at` of transactions; in music both are `event_time`.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.domain import DOMAIN_OF_TOPIC, MUSIC, Domain
from contracts.events import BEHIND_MS, ROWS_PER_BATCH
from producer.kafka.encode import RowTexts, render_rows, render_text_rows
from runtime.parquet import open_parquet, read_parquet

CHUNK_ROWS = 65_536
"""Rows rendered at once: enough to make Arrow's work vectorised, about 30 MB of text."""

MAX_SPAN_MS = BEHIND_MS // 2
"""Longest stretch of time in a batch of music: one person's 200 plays may take weeks, and rows too far behind the clock
that they are sent with would be rejected."""


Chunk = tuple[RowTexts, npt.NDArray[np.int64]]
"""Rendered rows: their texts without `ts`, and their times."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive source rows of one topic: their texts without `ts`, their times, the place of the first one."""

    texts: RowTexts
    event_ms: npt.NDArray[np.int64]
    first: int

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class RowBatch:
    """What the producer sends at one `ts`; a flush has no rows. `clock_ms` is the sender's event-time clock."""

    number: int
    rows: dict[str, Rows]
    clock_ms: int
    domain: Domain = MUSIC

    @property
    def is_flush(self) -> bool:
        return not self.rows

    @property
    def start_ms(self) -> int:
        """The earliest event_time in it; a flush has no rows, and is as old as its clock."""
        return min([int(rows.event_ms[0]) for rows in self.rows.values() if len(rows)], default=self.clock_ms)


class RowReader:
    """Reads one topic's raw files from a row on, rendered; hands out rows in order.

    Close it, as a context does, where it may not come to the end of the source: it reads ahead in a thread.
    """

    def __init__(self, topic: str, files: Sequence[Path], first: int = 0, shift_ms: int = 0, id_suffix: str = ""):
        self._topic, self._files, self._shift_ms, self._id_suffix = topic, files, shift_ms, id_suffix
        self._domain = DOMAIN_OF_TOPIC[topic]
        self._chunks = _one_ahead(map(self._render, self._read(first)))
        self._next = first
        self._held: deque[Chunk] = deque()
        """Rendered rows not yet handed out, those of row `_next` first."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._chunks.close()

    def take(self, count: int, span_ms: int | None = None) -> Rows:
        """Take the next `count` rows, or as many as are left, or lie within `span_ms` of the first one."""
        while self._rows_held() < count and self._extend():
            pass
        if span_ms is not None and self._held:
            start_ms = int(self._held[0][1][0])
            count = min(count, self._rows_through(start_ms + span_ms))
        return self._hand_out(min(count, self._rows_held()))

    def take_through(self, until_ms: int) -> Rows:
        """Take the rows up to and with event_time `until_ms`."""
        while (not self._held or self._held[-1][1][-1] <= until_ms) and self._extend():
            pass
        return self._hand_out(self._rows_through(until_ms))

    def is_at_end(self) -> bool:
        return not self._held and not self._extend()

    def _rows_held(self) -> int:
        return sum(len(texts) for texts, _ in self._held)

    def _rows_through(self, until_ms: int) -> int:
        return sum(int(np.searchsorted(event_ms, until_ms, side="right")) for _, event_ms in self._held)

    def _hand_out(self, count: int) -> Rows:
        """Take rows off the front; only where they lie in two chunks are they copied together."""
        texts, event_ms, first, missing = RowTexts.empty(), np.empty(0, np.int64), self._next, count
        while missing:
            chunk_texts, chunk_ms = self._held.popleft()
            if missing < len(chunk_texts):
                self._held.appendleft((chunk_texts[missing:], chunk_ms[missing:]))
                chunk_texts, chunk_ms = chunk_texts[:missing], chunk_ms[:missing]
            is_first = missing == count
            texts = chunk_texts if is_first else texts + chunk_texts
            event_ms = chunk_ms if is_first else np.concatenate([event_ms, chunk_ms])
            missing -= len(chunk_texts)
        self._next += count
        return Rows(texts, event_ms, first)

    def _extend(self) -> bool:
        """Hold one more chunk; False at the end of the source."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._held.append(chunk)
        return True

    def _render(self, table: pa.Table) -> Chunk:
        order = table.column(self._domain.order_column).combine_chunks().cast(pa.int64())
        if not self._domain.is_typed:
            return render_text_rows(table.drop_columns(self._domain.order_column)), order.to_numpy()
        event_ms = order.to_numpy() + self._shift_ms
        return render_rows(self._topic, table, self._shift_ms, self._id_suffix), event_ms

    def _read(self, skip: int) -> Iterator[pa.Table]:
        for path in self._files:
            # as texts, not as dictionaries: Arrow keeps a word once that a file's dictionary has twice, and takes those
            # behind it for others
            with open_parquet(path) as file:
                if skip >= file.metadata.num_rows:
                    skip -= file.metadata.num_rows
                    continue
                for chunk in file.iter_batches(CHUNK_ROWS):
                    if skip < len(chunk):
                        yield pa.Table.from_batches([chunk.slice(skip)])
                    skip = max(skip - len(chunk), 0)


def _one_ahead(chunks: Iterator[Chunk]) -> Generator[Chunk]:
    """Render the next chunk while this one is sent: Arrow works outside Python's lock."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = pool.submit(next, chunks, None)
            yield chunk


def cut(master: RowReader, companion: RowReader, number: int, domain: Domain = MUSIC) -> Iterator[RowBatch]:
    """Cut the rows that two readers still hold into batches, numbered from `number` on."""
    max_span_ms = MAX_SPAN_MS if domain.event_clock == "event_time" else None
    while not master.is_at_end():
        batch_rows = master.take(ROWS_PER_BATCH, max_span_ms)
        clock_ms = int(batch_rows.event_ms[-1])
        if master.is_at_end():
            companion_rows = companion.take(10**12)  # the last interval is open to the right
            # the clock must have reached all that goes with it: rows ahead of it are rejected
            clock_ms = max([clock_ms, *companion_rows.event_ms[-1:].tolist()])
        else:
            companion_rows = companion.take_through(clock_ms)
        yield RowBatch(number, {domain.master: batch_rows, domain.companion: companion_rows}, clock_ms, domain)
        number += 1


def count_nulls(files: Sequence[Path], column: str) -> int:
    """Count the rows of raw files in which a column is null."""
    return sum(read_parquet(path, [column]).column(column).null_count for path in files)


def time_of_row(files: Sequence[Path], row: int) -> int:
    """Return the event_time of a source row, in epoch milliseconds."""
    for path in files:
        with open_parquet(path) as file:
            if row < file.metadata.num_rows:
                return int(file.read(["event_time"]).column("event_time").cast(pa.int64())[row].as_py())
            row -= file.metadata.num_rows
    raise IndexError(row)
