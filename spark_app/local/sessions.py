"""Rows to sessions with features, and to scored sessions: what `pipeline.build_sessions` does on Spark."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import ACTIVITY, PLAYS
from runtime.arrays import Ints
from runtime.units import DAY_MS, HOUR_MS
from spark_app.local.rows import WorldRows
from spark_app.stages.arrays.ids import one_array
from spark_app.stages.scoring.score import SessionScorer, score_batch
from spark_app.stages.session_step.narrow import narrow
from spark_app.stages.session_step.session_order import find_sessions
from spark_app.stages.session_step.tracks import TrackLookup
from spark_app.stages.sessions.account_baselines import LAST_ZONE_H
from spark_app.stages.sessions.compute_features import compute_features
from spark_app.stages.sessions.features.own_history import BASELINE
from spark_app.stages.sessions.session_records import write_records
from spark_app.stages.sessions.unmeasurable import mask_unmeasurable


def build_sessions(rows: WorldRows, baselines: pa.Table | None) -> pa.RecordBatch:
    """Turn rows into sessions, sorted by (user_id, first event): SESSION_INPUT.

    `baselines`: tables of own histories with `as_of`, as `local.baselines` makes them; None where none is known.
    """
    tracks = TrackLookup.from_table(rows.tracks)
    table = narrow_rows(rows, tracks)
    users = one_array(pc.dictionary_encode(table["user_id"]))
    names = users.dictionary
    rank = np.argsort(np.argsort(np.array(names.to_pylist(), dtype=object))).astype(np.int64)
    user = rank[users.indices.to_numpy().astype(np.int64)]
    event_ms = table["event_ms"].to_numpy()
    found = find_sessions(user, *(table[name].to_numpy() for name in ("user", "event_ms", "topic", "id_hash")))
    order, first = found.order, found.first
    ordered = table.take(pa.array(order))
    session = np.cumsum(found.begins) - 1
    user_ids = names.take(pa.array(np.argsort(rank))).take(pa.array(user[order][first]))
    columns = {
        "user_id": user_ids,
        **write_records(ordered, session, len(first)),
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


def narrow_rows(rows: WorldRows, tracks: TrackLookup) -> pa.Table:
    """Turn the rows of both topics into ROWS of the session step."""
    return pa.concat_tables([_narrow(PLAYS, rows.plays, tracks), _narrow(ACTIVITY, rows.activity, tracks)])


def _narrow(topic: str, rows: pa.Table, tracks: TrackLookup) -> pa.Table:
    columns = {name: _plain(one_array(rows[name])) for name in rows.column_names}
    # nothing was sent
    columns["ts"] = pa.array(np.zeros(len(rows), dtype=np.int64))
    return pa.Table.from_batches([narrow(topic, columns, tracks)])


def _plain(column: pa.Array) -> pa.Array:
    """Return texts that a file keeps as a dictionary as plain ones."""
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _accounts(user_ids: pa.Array, users: pa.Table) -> dict[str, pa.Array]:
    position = pc.index_in(user_ids, value_set=one_array(users["user_id"]))
    return {name: one_array(users[name].take(position)) for name in ("signed_up_on", "plan", "timezone")}


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
    columns = [one_array(baselines[field.name].cast(field.type)).take(rows) for field in BASELINE]
    return pa.StructArray.from_arrays(columns, fields=list(BASELINE), mask=pa.array(position < 0))
