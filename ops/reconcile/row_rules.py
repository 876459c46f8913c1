"""The reconciliation's row rules: read messages as the job must, without Spark, whole chunks of rows at a time.

The rules of rows are written in exactly two places: here, and as the job's columns in
spark_app/stages/parsing/row_rules.py. The two share no code: a check that used the job's rules could not find a mistake
in them. Both follow the fields that `contracts.events` declares; tests/ops/reconcile/test_same_rules.py compares them.
"""

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from contracts.events import (
    AHEAD_MS,
    BEHIND_MS,
    FIELDS,
    HEADER_CLOCK_MS,
    HEADER_ROWS,
    HEARTBEAT_USER,
    ID_FIELD,
    MAX_ID_CHARS,
    PLAYS,
    Field,
)
from runtime.arrays import Bools, Ints
from runtime.event_text import Headers, as_text, header_number
from runtime.units import DAY_MS

MAX_INT_DIGITS = 4000
"""Python makes no integer of many more; of what has more, only the text counts."""
_DIGITS_AS_ZEROS = bytes(ord("0") if chr(byte) in string.digits else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * 19
"""So many digits may be over 64 bits: orjson would round them, and two accounts would be one."""
_DECODER = json.JSONDecoder(strict=False, parse_int=lambda text: int(text) if len(text) < MAX_INT_DIGITS else text)
_NO_LIMIT_MS = 2**63 - 1
XXHASH_SEED = 42
"""Spark's seed of xxhash64."""


@dataclass(frozen=True, slots=True)
class ParsedMessages:
    """The good rows of some messages, heartbeats left out; `message` says which message a row is from."""

    message: Ints
    id_hash: Ints
    user_hash: Ints
    event_ms: Ints
    start_ms: Ints
    rejected: Ints
    """Rejected rows by message."""
    newest_ms: Ints
    """The newest time of each message's good rows, heartbeats among them; 0 without any."""


def read_list(value: bytes | None) -> list[Any] | None:
    """Read a message's list; None where it is unreadable. What comes after a complete list is ignored."""
    value = value or b""
    try:
        listed = _read_exactly(value) if _LONG_NUMBER in value.translate(_DIGITS_AS_ZEROS) else orjson.loads(value)
    except orjson.JSONDecodeError:
        # NaN, half a surrogate pair and a tail are no JSON, but the job reads past them
        listed = _read_exactly(value)
    return listed if isinstance(listed, list) else None


def _read_exactly(value: bytes) -> Any:
    """Read JSON with integers of any length; None where it is unreadable."""
    try:
        return _DECODER.raw_decode(value.decode().lstrip(" \t\r\n"))[0]
    except (ValueError, RecursionError):
        return None


def parse_messages(
    topic: str, messages: Sequence[tuple[bytes | None, Headers]], limits_ms: Sequence[int] | None = None
) -> ParsedMessages:
    """Split the rows of messages (value, headers) into good and rejected ones.

    `limits_ms` is the latest time that clock and rows of each message may have; None for no limit.
    """
    rows: list[Any] = []
    counts = np.zeros(len(messages), np.int64)
    clocks = np.zeros(len(messages), np.int64)
    rejected = np.zeros(len(messages), np.int64)
    limits = np.full(len(messages), _NO_LIMIT_MS) if limits_ms is None else np.array(limits_ms, np.int64)
    for i, (value, headers) in enumerate(messages):
        listed, clock = read_list(value), header_number(headers, HEADER_CLOCK_MS)
        sent = header_number(headers, HEADER_ROWS) or 0
        if listed is None:
            rejected[i] = sent
            continue
        # rows of a second list, for example, that comes after the first
        rejected[i] = max(sent - len(listed), 0)
        if clock is None or clock > limits[i]:
            rejected[i] += len(listed)
        else:
            rows += listed
            # a row may be ahead of its clock, but not over the limit
            counts[i], clocks[i] = len(listed), min(clock, limits[i] - AHEAD_MS)
    message = np.repeat(np.arange(len(messages)), counts)
    good, columns = check_rows(topic, rows, clocks[message])
    rejected += np.bincount(message[~good], minlength=len(messages))
    newest_ms = np.zeros(len(messages), np.int64)
    np.maximum.at(newest_ms, message[good], columns["event_time"][good])
    good &= columns["user_id"] != hash64(HEARTBEAT_USER)
    return ParsedMessages(
        message=message[good],
        id_hash=columns[ID_FIELD[topic]][good],
        user_hash=columns["user_id"][good],
        event_ms=columns["event_time"][good],
        start_ms=columns["event_time"][good] - (columns["listen_ms"][good] if topic == PLAYS else 0),
        rejected=rejected,
        newest_ms=newest_ms,
    )


def check_rows(topic: str, rows: Sequence[Any], clock_ms: Ints) -> tuple[Bools, dict[str, Ints]]:
    """Return which rows keep the rules, and their ids (hashed), times (epoch ms) and durations (ms).

    Values of a rejected row mean nothing.
    """
    is_object = np.fromiter((isinstance(row, dict) for row in rows), bool, len(rows))
    objects = rows if is_object.all() else [row if isinstance(row, dict) else {} for row in rows]
    good, columns = is_object, {}
    for field in (f for f in FIELDS[topic] if f.is_checked):
        values = _texts([row.get(field.name) for row in objects])
        if field.kind == "time":
            columns[field.name], is_valid = parse_times(values)
        else:
            is_valid = _is_valid(field, values)
        good = good & is_valid
        if field.kind == "ms":
            columns[field.name] = pc.if_else(is_valid, values, "0").cast(pa.int64()).to_numpy()
        elif field.name == "user_id" or field.name == ID_FIELD[topic]:
            columns[field.name] = hash_all(values)
    # the row's side moves: its year has four digits, while a clock near the end of a long would overflow
    event_ms = columns["event_time"]
    return good & (event_ms - AHEAD_MS <= clock_ms) & (event_ms + BEHIND_MS >= clock_ms), columns


def _texts(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        texts = (as_text(value) for value in values)
        # half a surrogate pair becomes a question mark, in Java as here
        return pa.array([None if t is None else t.encode(errors="replace").decode() for t in texts], pa.string())


def _is_valid(field: Field, values: pa.Array) -> Bools:
    if field.kind == "id":
        length = pc.utf8_length(values)
        valid = pc.and_(pc.greater_equal(length, 1), pc.less_equal(length, MAX_ID_CHARS))
    elif field.kind == "ms":
        # contracts.events.MS_PATTERN, written for RE2, which has no look-ahead
        valid = pc.match_substring_regex(values, r"^[0-9]{1,8}\z")
    else:
        return _booleans(pc.is_in(values, pa.array([*field.values, *(() if field.is_required else (None,))])))
    return _booleans(valid.fill_null(not field.is_required))


def _booleans(values: pa.Array) -> Bools:
    return values.to_numpy(zero_copy_only=False).astype(bool)


_SHAPE = b"0000-00-00T00:00:00.000Z"
_DIGITS = [i for i, c in enumerate(_SHAPE) if c == ord("0")]
_MARKS = [i for i, c in enumerate(_SHAPE) if c != ord("0")]


def parse_times(values: pa.Array) -> tuple[Ints, Bools]:
    """Return event_times as epoch milliseconds, and which of them are valid; an invalid one is 0.

    >>> parse_times(pa.array(["2023-11-14T22:13:20.123Z", "12:30"]))
    (array([1700000000123,             0]), array([ True, False]))
    """
    fits = _booleans(pc.equal(pc.binary_length(values), len(_SHAPE)).fill_null(False))
    text = pc.if_else(pa.array(fits), values, _SHAPE.decode()).cast(pa.binary(len(_SHAPE)))
    data = np.frombuffer(text.buffers()[1], np.uint8)[text.offset * 24 : (text.offset + len(text)) * 24].reshape(-1, 24)
    digits = data[:, _DIGITS].astype(np.int64) - ord("0")
    is_shaped = ((digits >= 0) & (digits <= 9)).all(axis=1)
    is_shaped &= (data[:, _MARKS] == np.frombuffer(_SHAPE, np.uint8)[_MARKS]).all(axis=1)
    year, month, day, hour, minute, second, ms = (
        digits[:, a:b] @ 10 ** np.arange(b - a)[::-1]
        for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14), (14, 17))
    )
    valid = fits & is_shaped & (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    valid &= (hour < 24) & (minute < 60) & (second < 60)
    months = (np.where(valid, year, 1970) - 1970) * 12 + np.where(valid, month, 1) - 1
    first, after = (m.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for m in (months, months + 1))
    valid &= day <= after - first
    of_day = ((hour * 60 + minute) * 60 + second) * 1000 + ms
    return np.where(valid, (first + day - 1) * DAY_MS + of_day, 0), valid


def hash64(text: str) -> int:
    """Hash a text as Spark's xxhash64 does.

    >>> hash64("u1")
    -5294616631767451713
    """
    unsigned = xxhash.xxh64_intdigest(text.encode(), XXHASH_SEED)
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


def hash_all(values: pa.Array) -> Ints:
    """Hash texts as Spark's xxhash64 does; a null's number means nothing."""
    digest = xxhash.xxh64_intdigest
    hashes = (digest(text or b"", XXHASH_SEED) for text in values.cast(pa.binary()).to_pylist())
    return np.fromiter(hashes, np.uint64, len(values)).view(np.int64)
