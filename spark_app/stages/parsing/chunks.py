"""Rows of many messages at once, their fields as columns: what the row rules are checked on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.events import Field
from spark_app.stages.parsing import row_rules
from spark_app.stages.parsing.decode import Decoder

CHUNK_ROWS = 8192
"""Rows checked at once: few enough for their columns to fit in the processor's cache."""


@dataclass(slots=True)
class Chunk:
    """Rows of consecutive messages; for each message its place in the batch, its clock and how many rows it has."""

    rows: list[Any] = field(default_factory=list)
    messages: list[tuple[int, int | None, int]] = field(default_factory=list)

    @property
    def places(self) -> list[int]:
        return [place for place, _, _ in self.messages]

    def per_row(self, values: Sequence[int]) -> row_rules.Ints:
        """Repeat one value per message for each of its rows."""
        return np.repeat(np.array(values, np.int64), [rows for _, _, rows in self.messages])

    def positions(self) -> row_rules.Ints:
        """Place of each row in its message."""
        return np.concatenate([np.arange(rows) for _, _, rows in self.messages])


def chunks_of(decoder: Decoder, values: pa.BinaryArray, clocks: Sequence[int | None]) -> Iterator[Chunk]:
    """Read messages, leaving out the unreadable ones."""
    chunk = Chunk()
    for place, value in enumerate(values):
        rows = decoder.read(value.as_buffer() if value.is_valid else b"")
        if rows is not None:
            chunk.rows += rows
            chunk.messages.append((place, clocks[place], len(rows)))
            if len(chunk.rows) >= CHUNK_ROWS:
                yield chunk
                chunk = Chunk()
    if chunk.messages:
        yield chunk


def checked(
    topic: str, fields: Sequence[Field], chunk: Chunk
) -> tuple[dict[str, pa.Array], row_rules.Bools, row_rules.Ints]:
    """Return a chunk's columns (text, but for `ts`), which rows are good, and their event times."""
    columns = {}
    for f in fields:
        values = list(map(attrgetter(f.name), chunk.rows))
        columns[f.name] = row_rules.epoch_s(values) if f.kind == "epoch_s" else pa.array(values, pa.string())
    clock_ms = chunk.per_row([clock or 0 for _, clock, _ in chunk.messages])
    has_clock = chunk.per_row([clock is not None for _, clock, _ in chunk.messages]).astype(bool)
    good, event_ms = row_rules.good_rows(topic, columns, clock_ms, has_clock)
    return columns, good, event_ms


def only(columns: dict[str, pa.Array], good: row_rules.Bools) -> dict[str, pa.Array]:
    if good.all():
        return columns
    mask = pa.array(good)
    return {name: column.filter(mask) for name, column in columns.items()}
