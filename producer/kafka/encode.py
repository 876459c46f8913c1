"""Render raw rows as the JSON text of messages, a whole chunk at a time.

A row's text stops before its `ts`, which is known only when the row is sent: `{"play_id":"p1",…,"network":"vpn"`.
`join_rows` puts rows and `ts` together as a message. Rows as they were rendered lie in one buffer with room for `ts`
behind each, so that a message is a copy of a piece of it: no Python string is made of a row that nothing happens to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self, overload

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import FIELDS, ID_FIELD

TS_CHARS = 10
"""Room for `ts`: epoch seconds have ten digits from 2001 to 2286; a smaller number is padded with spaces."""
_ROOM = f',"ts":{" " * TS_CHARS}}},'


@dataclass(frozen=True, slots=True, eq=False)
class RowTexts(Sequence[str]):
    """Texts of rendered rows. Row i is `data[offsets[i]:offsets[i + 1]]`, room for `ts` and a comma included."""

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    @classmethod
    def empty(cls) -> Self:
        return cls(np.empty(0, np.uint8), np.zeros(1, np.int64))

    @classmethod
    def of_arrow(cls, texts: pa.StringArray) -> Self:
        """Take over the buffers of an array without nulls, whose strings end in `_ROOM`."""
        if not len(texts):
            return cls.empty()
        _, offsets, data = texts.buffers()
        return cls(np.frombuffer(data, np.uint8), np.frombuffer(offsets, np.int32)[: len(texts) + 1].astype(np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> str | Self:
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return type(self)(self.data, self.offsets[start : max(stop, start) + 1])
        index = range(len(self))[index]
        return self.data[self.offsets[index] : self.offsets[index + 1] - len(_ROOM)].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compared by content, like a list

    def __add__(self, other: "RowTexts") -> "RowTexts":
        mine, theirs = (t.data[t.offsets[0] : t.offsets[-1]] for t in (self, other))
        offsets = [self.offsets - self.offsets[0], other.offsets[1:] - other.offsets[0] + len(mine)]
        return RowTexts(np.concatenate([mine, theirs]), np.concatenate(offsets))

    def join(self, ts: int) -> bytes:
        """Join the rows as one message, `ts` filled in."""
        start, stop = int(self.offsets[0]), int(self.offsets[-1])
        message = np.empty(stop - start + 1, np.uint8)
        message[1:] = self.data[start:stop]
        # counted from the message's "[", a row ends one further: its comma is there, before it "}", before it ts
        commas = self.offsets[1:] - start
        digits = np.frombuffer(f"{ts:>{TS_CHARS}}".encode(), np.uint8)
        message[(commas - (TS_CHARS + 1))[:, None] + np.arange(TS_CHARS)] = digits
        message[0], message[-1] = ord("["), ord("]")
        return message.tobytes()


def render_rows(topic: str, table: pa.Table, shift_ms: int = 0, id_suffix: str = "") -> RowTexts:
    """Render each row of a raw table as JSON text without its `ts`; a null's key is left out.

    `shift_ms` is added to every event_time and `id_suffix` to every row id, so that a second replay of the same rows
    is later and has new ids.
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
    return RowTexts.of_arrow(pc.binary_join_element_wise(*_merged([*pieces, _ROOM]), ""))


def render_text_rows(table: pa.Table) -> RowTexts:
    """Render each row of a table of strings as JSON text without its `ts`: every column, its text untouched."""
    pieces: list[pa.Array | str] = []
    for position, name in enumerate(table.column_names):
        start = ("{" if position == 0 else ",") + f'{orjson.dumps(name).decode()}:"'
        pieces += _key_and_value(start, table.column(name).combine_chunks())
    return RowTexts.of_arrow(pc.binary_join_element_wise(*_merged([*pieces, _ROOM]), ""))


def join_rows(rows: Sequence[str], ts: int) -> bytes:
    """Join row texts as one message; what is no object (a fault made on purpose) stays as it is.

    >>> join_rows(['{"play_id":"a"', '{"play_id":"b"'], 7)
    b'[{"play_id":"a","ts":7},{"play_id":"b","ts":7}]'
    """
    if isinstance(rows, RowTexts) and len(rows):
        return rows.join(ts)
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
