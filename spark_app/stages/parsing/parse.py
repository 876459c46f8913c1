"""Messages to rows: every good row of a bad message survives, and every bad row gets the first rule that it breaks.

In Python, one Kafka partition's messages at a time: `from_json` and the rules as Spark columns took 27 % of the JVM's
CPU (docs/studies/bench.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts import events
from contracts.events import FIELDS, Field
from contracts.tables import LAKE, ddl
from runtime.arrays import Bools, Ints
from spark_app.stages.parsing import row_rules
from spark_app.stages.parsing.chunks import CheckedRows, Chunk, check_rows, read_chunks
from spark_app.stages.parsing.decode import PAYLOAD_CHARS, Decoder, elements_of, payload_of


def header(name: str) -> Column:
    """Return a message header as text; null where it is absent."""
    matching = F.filter("headers", lambda h: h["key"] == name)
    return F.try_element_at(matching, F.lit(1))["value"].cast("string")


def fields_named(topic: str, names: Sequence[str]) -> list[Field]:
    """Select the checked fields of a topic and those in `names`, in the contract's order: only these are parsed."""
    return [f for f in FIELDS[topic] if f.is_checked or f.name in names]


def _schema(topic: str, fields: Sequence[Field]) -> str:
    names = {f.name for f in fields}
    return ddl(tuple(column for column in LAKE[topic] if column.name in names))


def number_header(header_name: str, name: str) -> Column:
    """Return a message header as an integer column of a name; null where it is absent or of another form."""
    text = header(header_name)
    pattern = rf"\A{events.NUMERIC_HEADERS[header_name]}\z"
    return F.when(text.rlike(pattern), text.try_cast("bigint")).alias(name)


def shuffle_partitions(rows: DataFrame) -> int:
    """Return the number of shuffle partitions of a frame's session."""
    return int(rows.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)


def in_few_tasks(messages: DataFrame, topics: int = 1) -> DataFrame:
    """Let a task read several partitions of Kafka: as many tasks per topic as shuffle partitions, at most."""
    return messages.coalesce(topics * shuffle_partitions(messages))


def with_clock(messages: DataFrame) -> DataFrame:
    """Read the header that `good_batches` needs: partition, value, clock_ms, limit_ms."""
    return messages.select("partition", "value", number_header(events.HEADER_CLOCK_MS, "clock_ms"), "limit_ms")


def with_headers(messages: DataFrame) -> DataFrame:
    """Read the headers that `all_rows` needs: topic, partition, offset, value, clock_ms, limit_ms, sent_rows."""
    numbers = number_header(events.HEADER_CLOCK_MS, "clock_ms"), number_header(events.HEADER_ROWS, "sent_rows")
    return messages.select("topic", "partition", "offset", "value", "limit_ms", *numbers)


def good_batches(
    batches: Iterable[pa.RecordBatch], topic: str, fields: Sequence[Field], of_message: Sequence[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Turn Arrow batches of messages (value, clock_ms, limit_ms) of a topic into its good rows: `fields`, typed.

    `of_message`: columns of the messages that their rows get too.
    """
    decoder = Decoder(fields)
    for batch in batches:
        for chunk in read_chunks(decoder, batch.column("value"), _clocks(batch)):
            checked = check_rows(topic, fields, chunk)
            message = pa.array(chunk.message_index()[checked.is_good])
            columns = {f.name: column for f, column in zip(fields, checked.typed(fields), strict=True)}
            columns |= {name: batch.column(name).take(message) for name in of_message}
            yield pa.RecordBatch.from_pydict(columns)


def _clocks(batch: pa.RecordBatch) -> list[int | None]:
    """Return the clock by which each message's rows are checked; None without a clock, or with one over its limit.

    It is so far before the limit that no row over the limit keeps the rules.
    """
    clocks = batch.column("clock_ms").to_pylist(), batch.column("limit_ms").to_pylist()
    return [
        None if clock is None or clock > limit else min(clock, limit - events.AHEAD_MS)
        for clock, limit in zip(*clocks, strict=True)
    ]


_LINE = "topic string, partition int, offset bigint, position int, rows bigint, reason string, payload string"
_LINE_NAMES = [column.split()[0] for column in _LINE.split(", ")]


@dataclass(frozen=True, slots=True)
class _RejectedLine:
    """A row that breaks a rule, or the rows of a message that cannot be read (position None)."""

    message: int
    """Index of its message in the Arrow batch."""
    position: int | None
    rows: int
    reason: str
    payload: str | None


def all_rows_ddl(topic: str) -> str:
    """Return the Spark schema of `all_rows`."""
    return f"{_LINE}, {_schema(topic, FIELDS[topic])}"


def all_rows(batches: Iterable[pa.RecordBatch], topic: str) -> Iterator[pa.RecordBatch]:
    """Turn messages (partition, offset, value, clock_ms, limit_ms, sent_rows) of a topic into rows with a reason.

    Columns: topic, partition, offset, position, rows (how many sent rows this line counts for), reason (null for a good
    row), payload (only of rejected ones), then all fields, typed; null in rejected rows. A batch has only good lines or
    only rejected ones. A message that is no list is one line with position null; so are the rows that a message's
    header counts and its list lacks.
    """
    fields = FIELDS[topic]
    decoder = Decoder(fields)
    for batch in batches:
        values = batch.column("value")
        rejected: list[_RejectedLine] = []
        list_lengths: dict[int, int] = {}
        has_clock = batch.column("clock_ms").is_valid().to_pylist()
        for chunk in read_chunks(decoder, values, _clocks(batch)):
            checked = check_rows(topic, fields, chunk)
            list_lengths |= {message.index: message.rows for message in chunk.messages}
            rejected += _rejected_rows(chunk, checked, values, has_clock)
            message, positions = chunk.message_index()[checked.is_good], chunk.positions()[checked.is_good]
            yield _good_lines(topic, batch, message, positions, checked.typed(fields))
        for index, sent_rows in enumerate(batch.column("sent_rows").to_pylist()):
            if index not in list_lengths:
                rejected.append(_unreadable_message(index, values[index].as_py(), sent_rows or 0))
            elif (sent_rows or 0) > list_lengths[index]:
                rejected.append(_RejectedLine(index, None, sent_rows - list_lengths[index], events.MISSING, None))
        if rejected:
            yield _rejected_lines(topic, batch, rejected)


def _unreadable_message(index: int, value: bytes | None, sent_rows: int) -> _RejectedLine:
    # a character has at most 4 bytes
    payload = (value or b"")[: 4 * PAYLOAD_CHARS].decode(errors="replace")[:PAYLOAD_CHARS]
    return _RejectedLine(index, None, sent_rows, events.UNREADABLE, payload)


def _rejected_rows(
    chunk: Chunk, checked: CheckedRows, values: pa.BinaryArray, has_clock: Sequence[bool]
) -> Iterator[_RejectedLine]:
    """Yield a chunk's bad rows, each with the first rule that it breaks. Their messages are read again for payloads."""
    bad = np.flatnonzero(~checked.is_good)
    if not len(bad):
        return
    messages, positions = chunk.message_index()[bad].tolist(), chunk.positions()[bad].tolist()
    lists = {index: elements_of(values[index].as_buffer()) for index in {*messages}}
    elements: list[Any] = []
    for row, index, position in zip(bad.tolist(), messages, positions, strict=True):
        listed = lists[index]
        # the fast reader accepts deeper nesting than Python's own
        elements.append(listed[position] if listed is not None else msgspec.to_builtins(chunk.rows[row]))
    is_object: Bools = np.array([isinstance(element, dict) for element in elements])
    reasons = row_rules.first_reasons(checked.columns.take(bad), is_object)
    for index, position, element, reason in zip(messages, positions, elements, reasons, strict=True):
        is_far = reason == events.NO_CLOCK and has_clock[index]
        yield _RejectedLine(index, position, 1, events.FAR_CLOCK if is_far else reason, payload_of(element))


def _good_lines(
    topic: str, batch: pa.RecordBatch, message: Ints, positions: Ints, typed: Sequence[pa.Array]
) -> pa.RecordBatch:
    n = len(message)
    of_message = [batch.column(name).take(pa.array(message)) for name in ("partition", "offset")]
    null = pa.nulls(n, pa.string())
    line = [
        pa.repeat(topic, n),
        *of_message,
        pa.array(positions.astype(np.int32)),
        pa.array(np.ones(n, np.int64)),
        null,
        null,
    ]
    return pa.RecordBatch.from_arrays([*line, *typed], names=[*_LINE_NAMES, *(f.name for f in FIELDS[topic])])


def _rejected_lines(topic: str, batch: pa.RecordBatch, rejected: Sequence[_RejectedLine]) -> pa.RecordBatch:
    n = len(rejected)
    message = pa.array([line.message for line in rejected], pa.int64())
    line = [
        pa.repeat(topic, n),
        *(batch.column(name).take(message) for name in ("partition", "offset")),
        pa.array([line.position for line in rejected], pa.int32()),
        pa.array([line.rows for line in rejected], pa.int64()),
        pa.array([line.reason for line in rejected], pa.string()),
        pa.array([line.payload for line in rejected], pa.string()),
    ]
    null = [pa.nulls(n, row_rules.type_of(f)) for f in FIELDS[topic]]
    return pa.RecordBatch.from_arrays([*line, *null], names=[*_LINE_NAMES, *(f.name for f in FIELDS[topic])])
