"""Messages to rows: every good row of a bad message survives, every bad row gets the first rule it breaks.

In Python, a Kafka partition's share at a time: `from_json` and the rules as columns took 27 % of the JVM's CPU
(docs/studies/bench.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts import events
from contracts.events import FIELDS, Field, check_row
from contracts.tables import LAKE, ddl
from spark_app.stages.parsing import row_rules
from spark_app.stages.parsing.chunks import Chunk, checked, chunks_of, only
from spark_app.stages.parsing.decode import PAYLOAD_CHARS, Decoder, elements_of, payload_of


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


def _number(header_name: str, name: str) -> Column:
    return header(header_name).try_cast("bigint").alias(name)


def with_headers(messages: DataFrame) -> DataFrame:
    """Read the headers that `all_rows` asks for: topic, partition, offset, value, clock_ms, sent_rows."""
    numbers = _number(events.HEADER_CLOCK_MS, "clock_ms"), _number(events.HEADER_ROWS, "sent_rows")
    return messages.select("topic", "partition", "offset", "value", *numbers)


def parse_good_rows(messages: DataFrame, topic: str, names: Sequence[str]) -> DataFrame:
    """Turn messages (value, headers) of a topic into its good rows: the checked fields and `names`, typed."""
    fields = fields_named(topic, names)
    parse = partial(_good_batches, topic=topic, fields=fields)
    clock = _number(events.HEADER_CLOCK_MS, "clock_ms")
    return messages.select("value", clock).mapInArrow(parse, _schema(topic, fields))


def _good_batches(batches: Iterable[pa.RecordBatch], topic: str, fields: Sequence[Field]) -> Iterator[pa.RecordBatch]:
    decoder = Decoder(fields)
    for batch in batches:
        for chunk in chunks_of(decoder, batch.column("value"), batch.column("clock_ms").to_pylist()):
            columns, good, event_ms = checked(topic, fields, chunk)
            columns = only(columns, good)
            typed = [row_rules.typed(f, columns[f.name], event_ms[good]) for f in fields]
            yield pa.RecordBatch.from_arrays(typed, names=[f.name for f in fields])


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


def all_rows_ddl(topic: str) -> str:
    """Say as a Spark schema what `all_rows` returns."""
    return f"{_LINE}, {_schema(topic, FIELDS[topic])}"


def all_rows(batches: Iterable[pa.RecordBatch], topic: str) -> Iterator[pa.RecordBatch]:
    """Turn messages (partition, offset, value, clock_ms, sent_rows) of a topic into rows with all fields and a reason.

    Columns: topic, partition, offset, position, rows (how many sent rows this line stands for), reason (null = good),
    payload (only of rejected ones), then the fields, typed; null in rejected rows. A batch has good lines or rejected
    ones. A message that is no list is one line, position null; so are the rows that a message's header counts and its
    list lacks.
    """
    fields = FIELDS[topic]
    decoder = Decoder(fields)
    for batch in batches:
        values = batch.column("value")
        lost: list[_Lost] = []
        counts = [0] * batch.num_rows
        is_list = [False] * batch.num_rows
        for chunk in chunks_of(decoder, values, batch.column("clock_ms").to_pylist()):
            columns, good, event_ms = checked(topic, fields, chunk)
            for place, _, rows in chunk.messages:
                counts[place], is_list[place] = rows, True
            places, positions = chunk.per_row(chunk.places), chunk.positions()
            lost += _rejected(topic, chunk, values, np.flatnonzero(~good), places, positions)
            columns = only(columns, good)
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
    chunk: Chunk,
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
