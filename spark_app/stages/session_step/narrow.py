"""Typed rows of a topic to ROWS: the columns that a session needs, ids as hashes, small values in one integer.

The stream, the batch commands and the audit of histories all call it. `session_rows` describes the layout.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, ID_FIELD, NETWORKS, PLAYS, SKIP_REASONS
from runtime.arrays import Bools, Ints
from spark_app.stages.arrays.ids import hashes, index_in, longs, xxhash64
from spark_app.stages.session_step.packed_rows import ROWS
from spark_app.stages.session_step.tracks import TrackLookup
from spark_app.stages.sessions import session_rows as layout

Columns = Mapping[str, pa.Array]
"""Typed fields of one topic by name, arrays of equal length."""


def narrow(topic: str, columns: Columns, tracks: TrackLookup) -> pa.RecordBatch:
    """Turn typed rows of a topic into ROWS. A play of an unknown track stays; what the track adds is unknown then."""
    n = len(columns["user_id"])
    event_ms = columns["event_time"].cast(pa.timestamp("ms", tz="UTC"), safe=False).cast(pa.int64())
    shared = {
        "user_id": columns["user_id"],
        "user": xxhash64(columns["user_id"]),
        "topic": pa.array(np.full(n, layout.TOPIC_CODE[topic], np.int8)),
        "event_ms": event_ms,
        "id_hash": xxhash64(columns[ID_FIELD[topic]]),
        "ts": columns["ts"],
        "device": xxhash64(columns["device_id"]),
        "ip": xxhash64(columns["ip"]),
        "session_id": columns["session_id"],
    }
    of_topic = _play_columns(columns, tracks) if topic == PLAYS else _activity_columns(columns)
    both = shared | of_topic
    return pa.RecordBatch.from_arrays([both[name] for name in ROWS.names], schema=ROWS)


def _play_columns(columns: Columns, tracks: TrackLookup) -> dict[str, pa.Array]:
    start, end, listen_ms = columns["reason_start"], columns["reason_end"], columns["listen_ms"]
    code = _shared_code(columns)
    code += np.where(_is_in(start, ("trackdone",)), layout.IS_AUTOADVANCE, 0)
    code += np.where(_is_in(end, SKIP_REASONS), layout.IS_SKIP, 0)
    code += np.where(_is_null(start), layout.NO_START_REASON, 0)
    code += np.where(_is_null(end), layout.NO_END_REASON, 0)
    place, is_known = tracks.find(hashes(columns["track_id"]))
    is_known &= ~_is_null(columns["track_id"])
    artist, duration_ms, popularity = _of_tracks(tracks, place, is_known)
    lengths = (longs(listen_ms.cast(pa.int64())) << 32) + duration_ms
    return {
        "code": pa.array(code),
        "lengths": pa.array(lengths, mask=_is_null(listen_ms)),
        "track_id": columns["track_id"],
        "artist": artist,
        "popularity": popularity,
    }


def _of_tracks(tracks: TrackLookup, place: Ints, is_known: Bools) -> tuple[pa.Array, Ints, pa.Array]:
    """Return artist, duration in ms (0 where unknown) and popularity of plays."""
    n = len(place)
    if not is_known.any():
        return pa.nulls(n, pa.int64()), np.zeros(n, np.int64), pa.nulls(n, pa.float64())
    artist, popularity = tracks.artist[place], tracks.popularity[place]
    return (
        pa.array(artist, mask=~is_known | (artist == 0)),
        np.where(is_known, tracks.duration_ms[place], 0),
        pa.array(popularity, mask=~is_known | np.isnan(popularity)),
    )


def _activity_columns(columns: Columns) -> dict[str, pa.Array]:
    n = len(columns["action"])
    code = _shared_code(columns) + index_in(ACTIONS, columns["action"])
    code += index_in(DRMS, columns["drm"]) << layout.DRM_SHIFT
    code += index_in(CODECS, columns["codec"]) << layout.CODEC_SHIFT
    return {
        "code": pa.array(code),
        "lengths": pa.array(np.zeros(n, np.int64)),
        "track_id": pa.nulls(n, pa.string()),
        "artist": pa.nulls(n, pa.int64()),
        "popularity": pa.nulls(n, pa.float64()),
    }


def _shared_code(columns: Columns) -> Ints:
    return (
        (index_in(NETWORKS, columns["network"]) << layout.NETWORK_SHIFT)
        + (index_in(DEVICES, columns["device_type"]) << layout.DEVICE_TYPE_SHIFT)
        + (_letters(columns["country"]) << layout.COUNTRY_SHIFT)
    )


def _letters(countries: pa.Array) -> Ints:
    """Pack the first two characters of each text into one integer, a byte per character; 0 where it is null."""
    coded = pc.dictionary_encode(countries)
    packed = [
        (ord(text[:1] or "\0") & 0xFF) << 8 | (ord(text[1:2] or "\0") & 0xFF) for text in coded.dictionary.to_pylist()
    ]
    return longs(pa.array(packed, pa.int64()).take(coded.indices))


def _is_in(column: pa.Array, values: Collection[str]) -> Bools:
    return pc.is_in(column, value_set=pa.array(values, pa.string())).to_numpy(zero_copy_only=False)


def _is_null(column: pa.Array) -> Bools:
    return column.is_null().to_numpy(zero_copy_only=False)
