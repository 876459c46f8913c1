"""Rows to sessions with features, and to scored sessions: what `pipeline.build_sessions` does on Spark."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, NETWORKS, SKIP_REASONS
from runtime.arrays import Bools, Ints
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS
from spark_app.local.ids import index_in, longs, xxhash64
from spark_app.local.rows import WorldRows
from spark_app.stages.scoring.score import SessionScorer, score_batch
from spark_app.stages.sessions import session_rows as layout
from spark_app.stages.sessions.account_baselines import LAST_ZONE_H
from spark_app.stages.sessions.compute_features import compute_features
from spark_app.stages.sessions.features.own_history import BASELINE_STATISTICS
from spark_app.stages.sessions.unmeasurable import mask_unmeasurable

SESSION_GAP_MS = 30 * MINUTE_MS
BASELINE = pa.struct([("history_days", pa.int32()), *((name, pa.float64()) for name in BASELINE_STATISTICS)])


def build_sessions(rows: WorldRows, baselines: pa.Table | None) -> pa.RecordBatch:
    """Turn rows into sessions, sorted by (user_id, first event): SESSION_INPUT.

    `baselines`: tables of own histories with `as_of`, as `local.baselines` makes them; None where none is known.
    """
    table = pa.concat_tables([_narrow_plays(rows.plays, rows.tracks), _narrow_activity(rows.activity)])
    users = pc.dictionary_encode(table["user_id"]).combine_chunks()
    users = users.chunk(0) if isinstance(users, pa.ChunkedArray) else users
    names = users.dictionary
    rank = np.argsort(np.argsort(np.array(names.to_pylist(), dtype=object))).astype(np.int64)
    user = rank[users.indices.to_numpy().astype(np.int64)]
    event_ms = table["event_ms"].to_numpy()
    offset = longs(xxhash64(pa.chunked_array([names])))[users.indices.to_numpy()] % layout.CUT_MS
    cut = (event_ms + offset) // layout.CUT_MS
    order = np.lexsort((table["id_hash"].to_numpy(), event_ms, user))
    begins = _begins(user[order], cut[order], event_ms[order])
    first = np.flatnonzero(begins)
    struct = table.take(pa.array(order)).select(layout.ITEM).combine_chunks()
    items = pa.StructArray.from_arrays([_flat(struct[name]) for name in layout.ITEM], names=list(layout.ITEM))
    offsets = pa.array(np.append(first, len(order)).astype(np.int32))
    user_ids = names.take(pa.array(np.argsort(rank))).take(pa.array(user[order][first]))
    columns = {
        "user_id": user_ids,
        "items": pa.ListArray.from_arrays(offsets, items),
        **_accounts(user_ids, rows.users),
        "baseline": _baselines(user_ids, event_ms[order][first], baselines),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def session_features(rows: WorldRows, baselines: pa.Table | None, unmeasurable: Collection[str] = ()) -> pa.RecordBatch:
    """Turn rows into sessions with features: FEATURE_COLUMNS. `unmeasurable`: what the source cannot tell."""
    return mask_unmeasurable(compute_features(build_sessions(rows, baselines)), unmeasurable)


def scored_sessions(features: pa.RecordBatch, scorer: SessionScorer) -> pd.DataFrame:
    """Turn FEATURE_COLUMNS into SESSIONS. The scorer is that of the source (`scorer_of_source`)."""
    return score_batch(features, scorer).to_pandas()


def _begins(user: Ints, cut: Ints, event_ms: Ints) -> Bools:
    """Return which rows, sorted by account and time, begin a session: a gap over 30 minutes, or the account's cut."""
    begins = np.ones(len(user), dtype=bool)
    begins[1:] = (user[1:] != user[:-1]) | (cut[1:] != cut[:-1]) | (np.diff(event_ms) > SESSION_GAP_MS)
    return begins


def _flat(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _letters(countries: pa.ChunkedArray) -> Ints:
    """Pack the first two characters of each text into one integer, a byte per character; 0 where it is null."""
    coded = _flat(pc.dictionary_encode(countries))
    packed = [
        (ord(text[:1] or "\0") & 0xFF) << 8 | (ord(text[1:2] or "\0") & 0xFF) for text in coded.dictionary.to_pylist()
    ]
    return longs(pa.array(packed, pa.int64()).take(coded.indices))


def _shared(table: pa.Table) -> tuple[Ints, dict[str, pa.Array]]:
    code = (
        (index_in(NETWORKS, table["network"]) << layout.NETWORK_SHIFT)
        + (index_in(DEVICES, table["device_type"]) << layout.DEVICE_TYPE_SHIFT)
        + (_letters(table["country"]) << layout.COUNTRY_SHIFT)
    )
    return code, {
        "user_id": table["user_id"],
        "event_ms": pa.array(longs(_flat(table["event_time"].cast(pa.int64())))),
        "id_hash": table["id_hash"],
        "ts": pa.array(np.zeros(len(table), dtype=np.int64)),
        "device": xxhash64(table["device_id"]),
        "ip": xxhash64(table["ip"]),
        "session_id": table["session_id"],
    }


def _narrow_plays(plays: pa.Table, tracks: pa.Table) -> pa.Table:
    position = pc.index_in(plays["track_id"], value_set=_flat(tracks["track_id"]))
    code, columns = _shared(plays)
    start, end = plays["reason_start"], plays["reason_end"]
    code = code + np.where(_is(start, ("trackdone",)), layout.IS_AUTOADVANCE, 0)
    code += np.where(_is(end, SKIP_REASONS), layout.IS_SKIP, 0)
    code += np.where(_is_null(start), layout.NO_START_REASON, 0) + np.where(_is_null(end), layout.NO_END_REASON, 0)
    listen_ms = _flat(plays["listen_ms"].cast(pa.int64()))
    duration_ms = longs(_flat(tracks["duration_ms"].take(position)))
    lengths = pa.array((longs(listen_ms) << 32) + duration_ms, mask=_is_null(plays["listen_ms"]))
    columns |= {
        "code": pa.array(code),
        "lengths": lengths,
        "track_id": plays["track_id"],
        "artist": xxhash64(tracks["artist_id"].take(position)),
        "popularity": tracks["total_track_popularity"].take(position),
    }
    return pa.table(columns).select(["user_id", *layout.ITEM])


def _narrow_activity(activity: pa.Table) -> pa.Table:
    code, columns = _shared(activity)
    code = code + index_in(ACTIONS, activity["action"])
    code += index_in(DRMS, activity["drm"]) << layout.DRM_SHIFT
    code += index_in(CODECS, activity["codec"]) << layout.CODEC_SHIFT
    n = len(activity)
    columns |= {
        "code": pa.array(code),
        "lengths": pa.array(np.zeros(n, dtype=np.int64)),
        "track_id": pa.nulls(n, pa.string()),
        "artist": pa.nulls(n, pa.int64()),
        "popularity": pa.nulls(n, pa.float64()),
    }
    return pa.table(columns).select(["user_id", *layout.ITEM])


def _is(column: pa.ChunkedArray, values: Collection[str]) -> Bools:
    return pc.is_in(column.cast(pa.string()), value_set=pa.array(values, pa.string())).to_numpy()


def _is_null(column: pa.ChunkedArray) -> Bools:
    return pc.is_null(column).to_numpy()


def _accounts(user_ids: pa.Array, users: pa.Table) -> dict[str, pa.Array]:
    position = pc.index_in(user_ids, value_set=_flat(users["user_id"]))
    return {name: _flat(users[name].take(position)) for name in ("signed_up_on", "plan", "timezone")}


def _baselines(user_ids: pa.Array, first_ms: Ints, baselines: pa.Table | None) -> pa.Array:
    """Return the own history that each session may use: the table of the last day that was over everywhere."""
    if baselines is None or not len(baselines):
        return pa.nulls(len(user_ids), BASELINE)
    known = pd.MultiIndex.from_arrays(
        [baselines["user_id"].to_pandas(), baselines["as_of"].cast(pa.int32()).to_numpy()]
    )
    day = (first_ms - LAST_ZONE_H * HOUR_MS) // DAY_MS
    position = known.get_indexer(pd.MultiIndex.from_arrays([user_ids.to_pandas(), day.astype(np.int32)]))
    rows = pa.array(position, mask=position < 0)
    columns = [_flat(baselines[field.name].cast(field.type)).take(rows) for field in BASELINE]
    return pa.StructArray.from_arrays(columns, fields=list(BASELINE), mask=pa.array(position < 0))
