"""Sessions with their rows to sessions with features: a step over Arrow batches, in NumPy."""

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.events import STREAM_MS
from contracts.features import FEATURE_NAMES
from contracts.tables import SESSIONS
from runtime.arrays import Bools, Ints
from spark_app.stages.arrays.segments import runs
from spark_app.stages.arrays.timestamps import to_timestamps
from spark_app.stages.sessions.features.account import Accounts
from spark_app.stages.sessions.features.own_history import compare_with_baseline
from spark_app.stages.sessions.features.registry import ACCOUNT_FEATURES, FEATURES
from spark_app.stages.sessions.session_batch import SessionBatch
from spark_app.stages.sessions.session_records import RECORD_COLUMNS
from spark_app.stages.sessions.unmeasurable import mask_missing_fields

SESSION_INPUT = ("user_id", *RECORD_COLUMNS, "signed_up_on", "plan", "timezone", "baseline")
"""Columns of a session that its features are computed from; its rows are one binary value."""
_OF_SCORING = {
    "scored_at", "rawPrediction", "probability", "prediction", "score", "is_flagged", "is_filtered", "reasons",
    "model_version", "date",
}  # fmt: skip
FEATURE_COLUMNS = tuple(c for c in SESSIONS if c.name not in _OF_SCORING)
"""Columns of a session before it is scored: identity, features, counts."""


def join_users(sessions: DataFrame, users: DataFrame) -> DataFrame:
    """Join the account's static row: adds signed_up_on, plan, timezone; null where the account is unknown."""
    known = users.select("user_id", "signed_up_on", "plan", "timezone")
    return sessions.join(F.broadcast(known), on="user_id", how="left")


def compute_features(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Turn an Arrow batch of SESSION_INPUT into FEATURE_COLUMNS; a feature that cannot be measured is null."""
    b = SessionBatch.from_records(*(batch.column(name) for name in RECORD_COLUMNS))
    accounts = Accounts(*(batch.column(name) for name in ("timezone", "signed_up_on", "plan")))
    features = {name: feature(b) for name, feature in FEATURES.items()}
    features |= {name: feature(b, accounts) for name, feature in ACCOUNT_FEATURES.items()}
    features = mask_missing_fields(features, b)
    features |= compare_with_baseline(features, batch.column("baseline"))
    users = batch.column("user_id")
    keys = [f"{user}:{first}" for user, first in zip(users.to_pylist(), b.first_event_ms.tolist(), strict=True)]
    columns: dict[str, pa.Array] = {
        "session_key": pa.array(keys, pa.string()),
        "user_id": users,
        "client_session_ids": _client_sessions(b),
        "started_at": to_timestamps(b.started_ms),
        "ended_at": to_timestamps(b.ended_ms),
        "ts": pa.array(b.largest(b.ts, b.all_rows)),
        # NaN is "cannot be measured": null in the table
        **{name: pa.array(features[name], pa.float64(), from_pandas=True) for name in FEATURE_NAMES},
        "track_counts": _track_counts(b),
    }
    for topic, mask in (("plays", b.is_play), ("activity", ~b.is_play)):
        columns[f"{topic}_rows"] = pa.array(np.bincount(b.session[mask], minlength=b.n).astype(np.int64))
        columns[f"{topic}_hash"] = pa.array(_sum_hashes(b, mask))
    return pa.RecordBatch.from_arrays(
        [columns[c.name] for c in FEATURE_COLUMNS], names=[c.name for c in FEATURE_COLUMNS]
    )


def _sum_hashes(b: SessionBatch, mask: Bools) -> Ints:
    """Sum each session's id hashes as 64-bit integers that wrap: the reconciliation compares sets of rows by it."""
    sums = np.zeros(b.n, dtype=np.int64)
    np.add.at(sums, b.session[mask], b.id_hash[mask])
    return sums


def _list_offsets(session: Ints, n: int) -> pa.Array:
    """Return the Arrow list offsets of values sorted by their session (0 to n − 1)."""
    return pa.array(np.concatenate([[0], np.cumsum(np.bincount(session, minlength=n))]).astype(np.int32))


def _track_counts(b: SessionBatch) -> pa.Array:
    is_stream = b.is_play & (b.listen_ms >= STREAM_MS)
    session, track, counts = runs(b.session[is_stream], b.track[is_stream])
    tracks = b.track_names.take(pa.array(track))
    struct = pa.StructArray.from_arrays([tracks, pa.array(counts.astype(np.int32))], names=["track_id", "streams"])
    return pa.ListArray.from_arrays(_list_offsets(session, b.n), struct)


def _client_sessions(b: SessionBatch) -> pa.Array:
    ids = b.client_session.dictionary_encode()
    index = ids.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    is_known = index >= 0
    # number the ids in their sorted order, so that each session's list is sorted
    rank = np.argsort(np.argsort(np.array(ids.dictionary.to_pylist(), dtype=object))).astype(np.int64)
    session, ranked, _ = runs(b.session[is_known], rank[index[is_known]])
    names = ids.dictionary.take(pa.array(np.argsort(rank)))
    return pa.ListArray.from_arrays(_list_offsets(session, b.n), names.take(pa.array(ranked)))
