"""Render raw rows as the JSON text of messages, a whole chunk at a time.

A row's text stops before its `ts`, which is known only when the row is sent: `{"play_id":"p1",…,"network":"vpn"`.
`join_rows` puts rows and `ts` together as a message.
"""

from collections.abc import Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import FIELDS, ID_FIELD

_ESCAPED = r'["\\\x00-\x1f]'
"""What may not stand in a JSON string as it is (RFC 8259, section 7)."""


def render_rows(topic: str, table: pa.Table, shift_ms: int = 0, id_suffix: str = "") -> list[str]:
    """Render each row of a raw table as JSON text without its `ts`; a null's key is left out.

    `shift_ms` is added to every event_time and `id_suffix` to every row id, so that a second replay of the same rows
    is later and has ids of its own.
    """
    pieces: list[pa.Array | str] = []
    for position, field in enumerate(f for f in FIELDS[topic] if f.name != "ts"):
        column = table.column(field.name).combine_chunks()
        start = ("{" if position == 0 else ",") + f'"{field.name}":"'
        if field.kind == "time":
            values = render_times(pc.add(column.cast(pa.int64()), shift_ms))
        else:
            values = _as_strings(column)
        if id_suffix and field.name == ID_FIELD[topic]:
            values = pc.binary_join_element_wise(values.cast(pa.string()), id_suffix, "")
        pieces += _key_and_value(start, values)
    return pc.binary_join_element_wise(*_merged(pieces), "").to_pylist()


def join_rows(rows: Sequence[str], ts: int) -> bytes:
    """Join row texts as one message; what is no object (a fault made on purpose) stays as it is.

    >>> join_rows(['{"play_id":"a"', '{"play_id":"b"'], 7)
    b'[{"play_id":"a","ts":7},{"play_id":"b","ts":7}]'
    """
    end = f',"ts":{ts}}}'
    return f"[{','.join([row + end if row[0] == '{' else row for row in rows])}]".encode()


def render_times(epoch_ms: pa.Array) -> pa.Array:
    """Render int64 epoch milliseconds as ISO 8601 UTC, 24 characters.

    >>> render_times(pa.array([1_700_000_000_123])).to_pylist()
    ['2023-11-14T22:13:20.123Z']
    """
    # without a zone: Arrow renders a zoned time twenty times slower
    text = epoch_ms.cast(pa.timestamp("ms")).cast(pa.string())  # "2023-11-14 22:13:20.123"
    characters = np.empty((len(text), 24), np.uint8)
    characters[:, :23] = np.frombuffer(text.buffers()[2], np.uint8)[: 23 * len(text)].reshape(-1, 23)
    characters[:, 10], characters[:, 23] = ord("T"), ord("Z")
    offsets = np.arange(0, 24 * (len(text) + 1), 24, dtype=np.int32)
    return pa.StringArray.from_buffers(len(text), pa.py_buffer(offsets), pa.py_buffer(characters))


def _as_strings(column: pa.Array) -> pa.Array:
    return column if pa.types.is_dictionary(column.type) else column.cast(pa.string())


def _key_and_value(start: str, values: pa.Array) -> list[pa.Array | str]:
    """Return what to join for one field: its key, value and closing quote, or "" where the value is null."""
    if pa.types.is_dictionary(values.type):
        quoted = pc.binary_join_element_wise(start, _escaped(values.dictionary.cast(pa.string())), '"', "")
        texts = quoted.take(values.indices)
        return [texts.fill_null("") if texts.null_count else texts]
    if values.null_count:
        return [pc.binary_join_element_wise(start, _escaped(values), '"', "").fill_null("")]
    return [start, _escaped(values), '"']


def _escaped(values: pa.Array) -> pa.Array:
    """Escape the values for JSON; nearly always there is nothing to escape, and that is seen at once."""
    data = values.buffers()[2]
    characters = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    if not ((characters < ord(" ")) | (characters == ord('"')) | (characters == ord("\\"))).any():
        return values
    return pa.array([None if v is None else orjson.dumps(v).decode()[1:-1] for v in values.to_pylist()], pa.string())


def _merged(pieces: list[pa.Array | str]) -> list[pa.Array | str]:
    """Merge neighbouring literals: fewer arguments to join."""
    merged: list[pa.Array | str] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
