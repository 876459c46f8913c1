"""Sessions with their gathered rows to sessions with features: one pass through Arrow and NumPy."""

from collections.abc import Collection, Iterable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.events import STREAM_MS
from contracts.features import FEATURE_NAMES
from contracts.tables import SESSIONS, ddl
from runtime.arrays import Bools, Ints
from spark_app.stages.arrays.segments import runs
from spark_app.stages.parsing.row_rules import STAMP
from spark_app.stages.sessions import account_features
from spark_app.stages.sessions.baseline_features import compare_with_own
from spark_app.stages.sessions.features import FEATURES
from spark_app.stages.sessions.session_batch import SessionBatch
from spark_app.stages.sessions.unmeasurable import erase_unknown

_OF_SCORING = {
    "scored_at", "rawPrediction", "probability", "prediction", "score", "is_flagged", "is_filtered", "reasons",
    "model_version", "date",
}  # fmt: skip
DESCRIBED = tuple(c for c in SESSIONS if c.name not in _OF_SCORING)
"""Columns of a session before it is scored."""
GATHERED = ("user_id", "items", "signed_up_on", "plan", "timezone", "own")
"""Columns that a session is described from."""


def with_user(sessions: DataFrame, users: DataFrame) -> DataFrame:
    """Join the account's static row: adds signed_up_on, plan, timezone; null where the account is unknown."""
    known = users.select("user_id", "signed_up_on", "plan", "timezone")
    return sessions.join(F.broadcast(known), on="user_id", how="left")


def with_features(sessions: DataFrame, not_measurable: Collection[str] = ()) -> DataFrame:
    """Turn GATHERED into DESCRIBED: identity, features, and counts; features that the source cannot tell are null."""
    return sessions.select(*GATHERED).mapInArrow(partial(described, not_measurable=not_measurable), ddl(DESCRIBED))


def described(batches: Iterable[pa.RecordBatch], not_measurable: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
    """Describe the sessions of each Arrow batch that has any."""
    return (describe(batch, not_measurable) for batch in batches if batch.num_rows)


def describe(batch: pa.RecordBatch, not_measurable: Collection[str] = ()) -> pa.RecordBatch:
    """Compute DESCRIBED for one Arrow batch of GATHERED sessions."""
    b = SessionBatch.from_arrow(batch.column("items"))
    users = batch.column("user_id")
    values = {name: function(b) for name, function in FEATURES.items()}
    values["night_share"] = account_features.night_share(b, batch.column("timezone"))
    values["account_age_days"] = account_features.account_age_days(b, batch.column("signed_up_on"))
    values["is_paid_plan"] = account_features.is_paid_plan(b, batch.column("plan"))
    erase_unknown(values, b)
    values |= compare_with_own(values, batch.column("own"))
    values |= {name: np.full(b.n, np.nan) for name in not_measurable if name in values}
    keys = [f"{user}:{first}" for user, first in zip(users.to_pylist(), b.first_event_ms.tolist(), strict=True)]
    columns: dict[str, pa.Array] = {
        "session_key": pa.array(keys, pa.string()),
        "user_id": users,
        "client_session_ids": _client_sessions(b),
        "started_at": pa.array(b.started_ms * 1000, pa.int64()).cast(STAMP),
        "ended_at": pa.array(b.ended_ms * 1000, pa.int64()).cast(STAMP),
        "ts": pa.array(b.largest(b.ts, b.all_rows)),
        # NaN is "not measurable": null in the table
        **{name: pa.array(values[name], pa.float64(), from_pandas=True) for name in FEATURE_NAMES},
        "track_counts": _track_counts(b),
    }
    for topic, mask in (("plays", b.is_play), ("activity", ~b.is_play)):
        columns[f"{topic}_rows"] = pa.array(np.bincount(b.session[mask], minlength=b.n).astype(np.int64))
        columns[f"{topic}_hash"] = pa.array(_wrapping_sum(b, mask))
    return pa.RecordBatch.from_arrays([columns[c.name] for c in DESCRIBED], names=[c.name for c in DESCRIBED])


def _wrapping_sum(b: SessionBatch, mask: Bools) -> Ints:
    """Sum id hashes by session as 64-bit integers that wrap, so that an audit can compare multisets of rows."""
    out = np.zeros(b.n, dtype=np.int64)
    np.add.at(out, b.session[mask], b.id_hash[mask])
    return out


def _offsets(owner: Ints, n: int) -> pa.Array:
    """List offsets for values sorted by their owner, 0 to n − 1."""
    return pa.array(np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n))]).astype(np.int32))


def _track_counts(b: SessionBatch) -> pa.Array:
    heard = b.is_play & (b.listen_ms >= STREAM_MS)
    session, track, counts = runs(b.session[heard], b.track[heard])
    tracks = b.track_names.take(pa.array(track))
    struct = pa.StructArray.from_arrays([tracks, pa.array(counts.astype(np.int32))], names=["track_id", "streams"])
    return pa.ListArray.from_arrays(_offsets(session, b.n), struct)


def _client_sessions(b: SessionBatch) -> pa.Array:
    claims = b.client_session.dictionary_encode()
    place = claims.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    known = place >= 0
    # number the claims in their sorted order, so that each session's list comes out sorted
    rank = np.argsort(np.argsort(np.array(claims.dictionary.to_pylist(), dtype=object))).astype(np.int64)
    session, claim, _ = runs(b.session[known], rank[place[known]])
    names = claims.dictionary.take(pa.array(np.argsort(rank)))
    return pa.ListArray.from_arrays(_offsets(session, b.n), names.take(pa.array(claim)))
