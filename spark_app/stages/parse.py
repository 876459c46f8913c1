"""Messages to rows: every good row of a bad message survives, every bad row gets the first rule it breaks.

In Python, a Kafka partition's share at a time: `from_json` and the rules as columns took several times the CPU, of the
JVM's compiler and its garbage collector too (docs/bench.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts import events
from contracts.events import FIELDS, Field, check_row
from contracts.tables import LAKE, ddl
from spark_app.stages import row_rules
from spark_app.stages.decode import PAYLOAD_CHARS, Decoder, elements_of, payload_of

CHUNK_ROWS = 8192
"""Rows checked at once: few enough for their columns to fit in the processor's cache."""


def header(name: str) -> Column:
    """Return a message header as text; null where it is absent."""
    found = F.filter("headers", lambda h: h["key"] == name)
    return F.try_element_at(found, F.lit(1))["value"].cast("string")


def fields_named(topic: str, names: Sequence[str]) -> list[Field]:
    """Select the checked fields of a topic and those in `names`, in the contract's order: only these are parsed."""
    return [f for f in FIELDS[topic] if f.is_checked or f.name in names]


def _schema(topic: str, fields: Sequence[Field]) -> str:
    names = {f.name for f in fields}
    return ddl(tuple(column for column in LAKE[topic] if column.name in names))


def _messages(messages: DataFrame, *more: str | Column) -> DataFrame:
    clock = header(events.HEADER_CLOCK_MS).try_cast("bigint").alias("clock_ms")
    return messages.select("value", clock, *more)


def parse_good_rows(messages: DataFrame, topic: str, names: Sequence[str]) -> DataFrame:
    """Turn messages (value, headers) of a topic into its good rows: the checked fields and `names`, typed."""
    fields = fields_named(topic, names)
    parse = partial(_good_batches, topic=topic, fields=fields)
    return _messages(messages).mapInArrow(parse, _schema(topic, fields))


def _good_batches(batches: Iterable[pa.RecordBatch], topic: str, fields: Sequence[Field]) -> Iterator[pa.RecordBatch]:
    decoder = Decoder(fields)
    for batch in batches:
        for chunk in _chunks(decoder, batch.column("value"), batch.column("clock_ms").to_pylist()):
            columns, good, event_ms = _checked(topic, fields, chunk)
            columns = _only(columns, good)
            typed = [row_rules.typed(f, columns[f.name], event_ms[good]) for f in fields]
            yield pa.RecordBatch.from_arrays(typed, names=[f.name for f in fields])


@dataclass(slots=True)
class _Chunk:
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


def _chunks(decoder: Decoder, values: pa.BinaryArray, clocks: Sequence[int | None]) -> Iterator[_Chunk]:
    """Read messages, leaving out the unreadable ones."""
    chunk = _Chunk()
    for place, value in enumerate(values):
        rows = decoder.read(value.as_buffer() if value.is_valid else b"")
        if rows is not None:
            chunk.rows += rows
            chunk.messages.append((place, clocks[place], len(rows)))
            if len(chunk.rows) >= CHUNK_ROWS:
                yield chunk
                chunk = _Chunk()
    if chunk.messages:
        yield chunk


def _checked(
    topic: str, fields: Sequence[Field], chunk: _Chunk
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


def _only(columns: dict[str, pa.Array], good: row_rules.Bools) -> dict[str, pa.Array]:
    if good.all():
        return columns
    mask = pa.array(good)
    return {name: column.filter(mask) for name, column in columns.items()}


_LINE = "topic string, partition int, offset bigint, position int, rows bigint, reason string, payload string"
BROKEN = "row: breaks a rule"
"""Should rules of rows and columns ever differ: the row is still rejected, and counted."""
_LINE_NAMES = [column.split()[0] for column in _LINE.split(", ")]


@dataclass(frozen=True, slots=True)
class _Lost:
    """A row that breaks a rule, or the rows of a message that cannot be read (position None)."""

    place: int
    position: int | None
    rows: int
    reason: str
    payload: str | None


def parse_all_rows(messages: DataFrame, topic: str) -> DataFrame:
    """Turn messages (partition, offset, value, headers) of a topic into rows with all fields and a `reason`.

    Columns: topic, partition, offset, position, rows (how many sent rows this line stands for), reason (null = good),
    payload (only of rejected ones), then the fields, typed; null in rejected rows. A message that is no list is one
    line, position null; so are the rows that a message's header counts and its list lacks.
    """
    sent_rows = header(events.HEADER_ROWS).try_cast("bigint").alias("sent_rows")
    parse = partial(_all_batches, topic=topic)
    schema = f"{_LINE}, {_schema(topic, FIELDS[topic])}"
    return _messages(messages, "partition", "offset", sent_rows).mapInArrow(parse, schema)


def _all_batches(batches: Iterable[pa.RecordBatch], topic: str) -> Iterator[pa.RecordBatch]:
    fields = FIELDS[topic]
    decoder = Decoder(fields)
    for batch in batches:
        values = batch.column("value")
        lost: list[_Lost] = []
        counts = [0] * batch.num_rows
        is_list = [False] * batch.num_rows
        for chunk in _chunks(decoder, values, batch.column("clock_ms").to_pylist()):
            columns, good, event_ms = _checked(topic, fields, chunk)
            for place, _, rows in chunk.messages:
                counts[place], is_list[place] = rows, True
            places, positions = chunk.per_row(chunk.places), chunk.positions()
            lost += _rejected(topic, chunk, values, np.flatnonzero(~good), places, positions)
            columns = _only(columns, good)
            typed = [row_rules.typed(f, columns[f.name], event_ms[good]) for f in fields]
            yield _lines(topic, batch, places[good], positions[good], fields, typed)
        for place, sent in enumerate(batch.column("sent_rows").to_pylist()):
            if not is_list[place]:
                text = values[place].as_py() or b""
                payload = text[: 4 * PAYLOAD_CHARS].decode(errors="replace")[:PAYLOAD_CHARS]
                lost.append(_Lost(place, None, sent or 0, events.UNREADABLE, payload))
            elif (sent or 0) > counts[place]:
                lost.append(_Lost(place, None, sent - counts[place], events.MISSING, None))
        if lost:
            yield _lost_lines(topic, batch, fields, lost)


def _rejected(
    topic: str,
    chunk: _Chunk,
    values: pa.BinaryArray,
    bad: row_rules.Ints,
    places: row_rules.Ints,
    positions: row_rules.Ints,
) -> Iterator[_Lost]:
    """Say of a chunk's bad rows what rule they break: their messages are read again, row by row."""
    clocks = {place: clock_ms for place, clock_ms, _ in chunk.messages}
    elements: dict[int, list[Any] | None] = {}
    for i, place, position in zip(bad.tolist(), places[bad].tolist(), positions[bad].tolist(), strict=True):
        if place not in elements:
            elements[place] = elements_of(values[place].as_buffer())
        found = elements[place]
        # the fast reader is content with nesting that Python's own reader refuses
        element = found[position] if found is not None else msgspec.to_builtins(chunk.rows[i])
        yield _Lost(place, position, 1, check_row(topic, element, clocks[place]) or BROKEN, payload_of(element))


def _lines(
    topic: str,
    batch: pa.RecordBatch,
    places: row_rules.Ints,
    positions: row_rules.Ints,
    fields: Sequence[Field],
    typed: Sequence[pa.Array],
) -> pa.RecordBatch:
    n = len(places)
    of_message = [batch.column(name).take(pa.array(places)) for name in ("partition", "offset")]
    none = pa.nulls(n, pa.string())
    line = [
        pa.repeat(topic, n),
        *of_message,
        pa.array(positions.astype(np.int32)),
        pa.array(np.ones(n, np.int64)),
        none,
        none,
    ]
    return pa.RecordBatch.from_arrays([*line, *typed], names=[*_LINE_NAMES, *(f.name for f in fields)])


def _lost_lines(topic: str, batch: pa.RecordBatch, fields: Sequence[Field], lost: Sequence[_Lost]) -> pa.RecordBatch:
    n = len(lost)
    places = pa.array([line.place for line in lost], pa.int64())
    line = [
        pa.repeat(topic, n),
        *(batch.column(name).take(places) for name in ("partition", "offset")),
        pa.array([line.position for line in lost], pa.int32()),
        pa.array([line.rows for line in lost], pa.int64()),
        pa.array([line.reason for line in lost], pa.string()),
        pa.array([line.payload for line in lost], pa.string()),
    ]
    blank = [pa.nulls(n, row_rules.type_of(f)) for f in fields]
    return pa.RecordBatch.from_arrays([*line, *blank], names=[*_LINE_NAMES, *(f.name for f in fields)])
