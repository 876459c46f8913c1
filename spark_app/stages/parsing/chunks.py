"""Rows of many messages at once, their fields as columns: the input of the row rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.events import Field
from runtime.arrays import Bools, Ints
from spark_app.stages.parsing import row_rules
from spark_app.stages.parsing.decode import Decoder
from spark_app.stages.parsing.row_rules import RowColumns

CHUNK_ROWS = 8192
"""Rows checked at once: few enough for their columns to fit in the processor's cache."""


@dataclass(frozen=True, slots=True)
class MessageRows:
    """How many rows a chunk has of one message: the message's index in its Arrow batch, its clock, the number."""

    index: int
    clock_ms: int | None
    rows: int


@dataclass(slots=True)
class Chunk:
    """Rows of consecutive messages: objects with an attribute per field."""

    rows: list[Any] = field(default_factory=list)
    messages: list[MessageRows] = field(default_factory=list)

    def per_row(self, values: Sequence[int]) -> Ints:
        """Repeat one value per message for each of its rows."""
        return np.repeat(np.array(values, np.int64), [message.rows for message in self.messages])

    def message_index(self) -> Ints:
        """Return for each row the index of its message in the Arrow batch."""
        return self.per_row([message.index for message in self.messages])

    def positions(self) -> Ints:
        """Return for each row its position in its message."""
        return np.concatenate([np.arange(message.rows) for message in self.messages])


def read_chunks(decoder: Decoder, values: pa.BinaryArray, clocks: Sequence[int | None]) -> Iterator[Chunk]:
    """Read messages (value and clock in epoch ms) into chunks; skip the unreadable ones."""
    chunk = Chunk()
    for index, value in enumerate(values):
        rows = decoder.read(value.as_buffer() if value.is_valid else b"")
        if rows is not None:
            chunk.rows += rows
            chunk.messages.append(MessageRows(index, clocks[index], len(rows)))
            if len(chunk.rows) >= CHUNK_ROWS:
                yield chunk
                chunk = Chunk()
    if chunk.messages:
        yield chunk


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """A chunk's rows as columns, and which of them keep the rules."""

    columns: RowColumns
    is_good: Bools
    event_ms: Ints

    def typed(self, fields: Sequence[Field]) -> list[pa.Array]:
        """Return the good rows: a typed column per field."""
        texts = self.columns.texts
        if not self.is_good.all():
            mask = pa.array(self.is_good)
            texts = {name: column.filter(mask) for name, column in texts.items()}
        return [row_rules.typed(f, texts[f.name], self.event_ms[self.is_good]) for f in fields]


def check_rows(topic: str, fields: Sequence[Field], chunk: Chunk) -> CheckedRows:
    """Turn a chunk's fields into columns (text, but for `ts`) and check them."""
    texts = {}
    for f in fields:
        values = list(map(attrgetter(f.name), chunk.rows))
        texts[f.name] = row_rules.epoch_s(values) if f.kind == "epoch_s" else pa.array(values, pa.string())
    clock_ms = chunk.per_row([message.clock_ms or 0 for message in chunk.messages])
    has_clock = chunk.per_row([message.clock_ms is not None for message in chunk.messages]).astype(bool)
    columns = RowColumns(topic, texts, clock_ms, has_clock)
    is_good, event_ms = row_rules.good_rows(columns)
    return CheckedRows(columns, is_good, event_ms)
