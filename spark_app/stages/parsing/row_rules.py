"""The job's row rules, over columns of text, a few thousand rows at a time; typed columns come out.

The rules of rows are applied in two places. This is the job's. The other one, ops/reconcile/row_rules.py, checks the
job and shares no code with it: a mistake here must not hide there. Both follow the fields and the reasons that
`contracts.events` declares; tests/ops/reconcile/test_same_rules.py compares them on hostile rows.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import events
from contracts.events import FIELDS, Field
from runtime.arrays import Bools, Ints
from spark_app.stages.arrays.timestamps import UTC_TIMESTAMP, to_timestamps

TIME_CHARS = 24
_SEPARATORS = {4: "-", 7: "-", 10: "T", 13: ":", 16: ":", 19: ".", 23: "Z"}
_INT64 = (-(2**63), 2**63 - 1)
_DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def _lengths(texts: pa.StringArray) -> Ints:
    """Length of each text in bytes; 0 where null."""
    return pc.binary_length(texts).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)


def parse_times(texts: pa.StringArray) -> tuple[Ints, Bools]:
    """Read event_times as epoch milliseconds (0 where one is unreadable), and return which are readable.

    >>> parse_times(pa.array(["2023-11-14T22:13:20.123Z", "2023-02-29T00:00:00.000Z", None]))
    (array([1700000000123,             0,             0]), array([ True, False, False]))
    """
    good = _lengths(texts) == TIME_CHARS
    out = np.zeros(len(texts), np.int64)
    if not good.any():
        return out, good
    picked = texts if good.all() else texts.filter(pa.array(good))
    _, offsets, data = picked.buffers()
    start = int(np.frombuffer(offsets, np.int32)[picked.offset])
    # one contiguous row of memory per character: each step below runs over all texts at once
    chars = np.frombuffer(data, np.uint8)[start : start + TIME_CHARS * len(picked)].reshape(-1, TIME_CHARS).T.copy()
    is_good = np.ones(len(picked), bool)
    for i in range(TIME_CHARS):
        separator = _SEPARATORS.get(i)
        if separator:
            is_good &= chars[i] == ord(separator)
        else:
            chars[i] -= ord("0")  # unsigned: any other character becomes a number over 9
            is_good &= chars[i] <= 9

    def number(first: int, digits: int) -> Ints:
        value = np.zeros(len(picked), np.int64)
        for i in range(first, first + digits):
            value = value * 10 + chars[i]
        return value

    year, month, day = number(0, 4), number(5, 2), number(8, 2)
    hour, minute, second = number(11, 2), number(14, 2), number(17, 2)
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last_day = _DAYS_IN_MONTH[np.clip(month, 0, 12)] + (is_leap & (month == 2))
    is_good &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= last_day)
    is_good &= (hour <= 23) & (minute <= 59) & (second <= 59)
    ms = (((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + number(20, 3)
    out[good] = np.where(is_good, ms, 0)
    good[good] = is_good
    return out, good


def _days(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970-01-01 in the proleptic Gregorian calendar.

    Years counted from March, so that the leap day ends one; 400 of them have 146,097 days. (Howard Hinnant,
    "chrono-Compatible Low-Level Date Algorithms", days_from_civil.)
    """
    shifted = year - (month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def keeps_rule(field: Field, texts: pa.StringArray) -> Bools:
    """Return which values of a checked field keep its rule. Fields of kind `time` are read by `parse_times`."""
    if field.kind == "id":
        lengths = _lengths(texts)
        if (lengths > events.MAX_ID_CHARS).any():  # in bytes; the rule counts characters
            lengths = pc.utf8_length(texts).fill_null(0).to_numpy(zero_copy_only=False)
        good = (lengths >= 1) & (lengths <= events.MAX_ID_CHARS)
    elif field.kind == "ms":
        digits = pc.ascii_is_decimal(texts).fill_null(False).to_numpy(zero_copy_only=False)
        good = digits & (_lengths(texts) <= events.MAX_MS_DIGITS)
    else:
        is_known = pc.is_in(texts, value_set=pa.array(field.values))
        good = is_known.to_numpy(zero_copy_only=False)
    return good if field.is_required else good | texts.is_null().to_numpy(zero_copy_only=False)


@dataclass(frozen=True, slots=True)
class RowColumns:
    """Rows of one topic as columns of equal length: the checked fields as text, and what their messages say."""

    topic: str
    texts: Mapping[str, pa.Array]
    """By field. A row that is no object has no field at all, and so breaks a rule."""
    clock_ms: Ints
    """The sender's clock, in epoch ms; 0 where `has_clock` is false."""
    has_clock: Bools

    def take(self, rows: Ints) -> "RowColumns":
        """Return some of the rows, by index."""
        index = pa.array(rows)
        texts = {name: column.take(index) for name, column in self.texts.items()}
        return RowColumns(self.topic, texts, self.clock_ms[rows], self.has_clock[rows])

    def broken_rules(self, event_ms: Ints, has_time: Bools) -> Iterator[tuple[str, Bools]]:
        """Yield each rule's reason with the rows that break it, in the order in which a reason is looked for."""
        yield events.NO_CLOCK, ~self.has_clock
        for field in FIELDS[self.topic]:
            if field.is_checked:
                is_good = has_time if field.kind == "time" else keeps_rule(field, self.texts[field.name])
                yield field.rejection, ~is_good
        # the row's side moves: its time has four-digit years, while a clock near the end of a long would overflow
        yield events.AHEAD, event_ms - events.AHEAD_MS > self.clock_ms
        yield events.BEHIND, event_ms + events.BEHIND_MS < self.clock_ms


def good_rows(rows: RowColumns) -> tuple[Bools, Ints]:
    """Return which rows keep every rule, and their event times in epoch ms (0 where there is none)."""
    event_ms, has_time = parse_times(rows.texts["event_time"])
    is_bad = np.zeros(len(event_ms), bool)
    for _, breaks_rule in rows.broken_rules(event_ms, has_time):
        is_bad |= breaks_rule
    return ~is_bad, event_ms


def first_reasons(rows: RowColumns, is_object: Bools) -> list[str]:
    """Return the reason of each rejected row: the first rule that it breaks. Raises KeyError for a good row.

    `is_object` tells which rows are JSON objects.
    """
    event_ms, has_time = parse_times(rows.texts["event_time"])
    (no_clock, without_clock), *rules = rows.broken_rules(event_ms, has_time)
    reasons: dict[int, str] = {}
    for reason, breaks_rule in ((no_clock, without_clock), (events.NOT_AN_OBJECT, ~is_object), *rules):
        for row in np.flatnonzero(breaks_rule).tolist():
            reasons.setdefault(row, reason)
    return [reasons[row] for row in range(len(event_ms))]


_TYPES = {"time": UTC_TIMESTAMP, "ms": pa.int32(), "bool": pa.bool_(), "epoch_s": pa.int64()}


def type_of(field: Field) -> pa.DataType:
    """Return the type that `typed` gives a field."""
    return _TYPES.get(field.kind, pa.string())


def typed(field: Field, values: pa.Array, event_ms: Ints) -> pa.Array:
    """Cast a field of good rows to its type; a value that does not cast becomes null."""
    if field.kind == "time":
        return to_timestamps(event_ms)
    if field.kind == "ms":
        return values.cast(pa.int32())
    if field.kind == "bool":
        return pc.if_else(pc.is_in(values, value_set=pa.array(["true", "false"])), pc.equal(values, "true"), None)
    return values


def epoch_s(values: list[Any]) -> pa.Array:
    """Read the column `ts` from integers or texts of integers; null for anything else, or outside 64 bits."""
    try:
        return pa.array(values, pa.int64())
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([_epoch_s(value) for value in values], pa.int64())


def _epoch_s(value: Any) -> int | None:
    if not isinstance(value, int) and not (isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,30}", value)):
        return None
    number = int(value)
    return number if _INT64[0] <= number <= _INT64[1] else None
