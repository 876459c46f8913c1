"""The rows of a closed session as one binary value: how a session crosses Spark in one piece.

A row is a record of fixed length, so the binary column of many sessions, laid end to end, is one NumPy array. Texts are
in two lists next to it, each text once per session; a record has its place in the list.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from runtime.arrays import Bools, Floats, Ints
from spark_app.stages.arrays.ids import longs, one_array

_LONGS = ("event_ms", "id_hash", "ts", "code", "lengths", "artist", "device", "ip")
_MAY_BE_NULL = ("lengths", "artist", "device", "ip")
RECORD = np.dtype(
    [*((name, "<i8") for name in _LONGS), ("popularity", "<f8"), ("track", "<i4"), ("client", "<i4"), ("known", "<i8")]
)
"""A row. `known` has a bit per field of _MAY_BE_NULL; `track` and `client` are −1 where there is none."""
MAX_BYTES = 2**31 - 1
"""Of a `binary` column, 24 million rows: a world in one process may have more, what crosses Spark has not."""
RECORD_COLUMNS = ("records", "tracks", "client_sessions")
RECORD_DDL = "records binary, tracks array<string>, client_sessions array<string>"


def write_records(rows: pa.Table, session: Ints, n: int) -> dict[str, pa.Array]:
    """Return RECORD_COLUMNS of `n` sessions. `rows` has the fields of ITEM, sorted by `session`, 0 to n − 1.

    Over MAX_BYTES `records` is `large_binary`, which `read_records` reads too.
    """
    records = np.zeros(len(rows), RECORD)
    for name in _LONGS:
        column = one_array(rows[name])
        records[name] = longs(column)
        if name in _MAY_BE_NULL:
            records["known"] |= column.is_valid().to_numpy(zero_copy_only=False).astype(np.int64) << _bit(name)
    records["popularity"] = one_array(rows["popularity"]).to_numpy(zero_copy_only=False)
    tracks, records["track"] = _texts_by_session(one_array(rows["track_id"]), session, n)
    clients, records["client"] = _texts_by_session(one_array(rows["session_id"]), session, n)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(session, minlength=n)) * RECORD.itemsize])
    kind = pa.binary() if offsets[-1] <= MAX_BYTES else pa.large_binary()
    buffers = [None, pa.py_buffer(offsets.astype(_offset_type(kind))), pa.py_buffer(records)]
    binary = pa.Array.from_buffers(kind, n, buffers)
    return dict(zip(RECORD_COLUMNS, (binary, tracks, clients), strict=True))


@dataclass(frozen=True, slots=True)
class SessionRecords:
    """The records of many sessions, end to end, and the texts that they point to."""

    session: Ints
    """Session of each row, 0 to n − 1."""
    records: NDArray[np.void]
    track: Ints
    """Index in `track_names`; −1 for none."""
    track_names: pa.Array
    client_session: pa.Array

    def longs(self, name: str) -> Ints:
        """Return a field with nulls as 0."""
        return np.ascontiguousarray(self.records[name])

    def is_known(self, name: str) -> Bools:
        """Return which rows know a field of _MAY_BE_NULL."""
        return (self.records["known"] >> _bit(name)) & 1 == 1

    def popularity(self) -> Floats:
        """Return the tracks' popularity, NaN where it is unknown."""
        return np.ascontiguousarray(self.records["popularity"])


def read_records(
    records: pa.BinaryArray | pa.LargeBinaryArray, tracks: pa.ListArray, clients: pa.ListArray
) -> SessionRecords:
    """Read what `write_records` wrote, after Spark carried it."""
    n = len(records)
    bounds = np.frombuffer(records.buffers()[1], _offset_type(records.type))[records.offset : records.offset + n + 1]
    data = records.buffers()[2] if len(bounds) and bounds[-1] > bounds[0] else b""
    flat = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]].view(RECORD) if len(data) else np.zeros(0, RECORD)
    session = np.repeat(np.arange(n, dtype=np.int64), np.diff(bounds) // RECORD.itemsize)
    track_texts, clients_texts = tracks.flatten().dictionary_encode(), clients.flatten().dictionary_encode()
    track = _codes(track_texts, tracks, session, flat["track"])
    client = _codes(clients_texts, clients, session, flat["client"])
    client_session = pa.DictionaryArray.from_arrays(
        pa.array(client.astype(np.int32), mask=client < 0), clients_texts.dictionary
    )
    return SessionRecords(session, flat, track, track_texts.dictionary, client_session)


def _offset_type(kind: pa.DataType) -> type[np.int32] | type[np.int64]:
    return np.int64 if pa.types.is_large_binary(kind) else np.int32


def _bit(name: str) -> int:
    return _MAY_BE_NULL.index(name)


def _texts_by_session(texts: pa.Array, session: Ints, n: int) -> tuple[pa.ListArray, Ints]:
    """Return each session's distinct texts, and the place of each row's text in its session's list; −1 for null."""
    coded = texts.dictionary_encode()
    code = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    is_known = code >= 0
    size = max(len(coded.dictionary), 1)
    pairs, place = np.unique(session[is_known] * size + code[is_known], return_inverse=True)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(pairs // size, minlength=n))])
    index = np.full(len(texts), -1, np.int64)
    index[is_known] = place - offsets[session[is_known]]
    return pa.ListArray.from_arrays(
        pa.array(offsets.astype(np.int32)), coded.dictionary.take(pa.array(pairs % size))
    ), index


def _codes(coded: pa.DictionaryArray, lists: pa.ListArray, session: Ints, place: Ints) -> Ints:
    """Turn places in the sessions' lists into indices of the dictionary of all of them."""
    starts = np.concatenate([[0], np.cumsum(longs(lists.value_lengths()))])
    codes = np.append(longs(coded.indices), -1)  # the last one for rows without a text
    return codes[np.where(place >= 0, starts[session] + place, len(codes) - 1)]
