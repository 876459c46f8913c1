"""The session step on Spark: messages or typed rows, packed by bucket, to closed sessions, a row per session.

One stateful operator. Spark keeps its state, a row per bucket, and calls it at every micro-batch for every bucket. What
it does to rows is `step.advance`, a pure function.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout

from runtime.arrays import Bools
from runtime.monitoring.progress import SESSION_STEP
from spark_app.stages.parsing.parse import (
    fields_named,
    good_batches,
    in_few_tasks,
    shuffle_partitions,
    with_clock,
)
from spark_app.stages.session_step.closed import SESSION_COLUMNS, SESSION_DDL, session_columns
from spark_app.stages.session_step.packed_rows import no_rows, pack, unpack
from spark_app.stages.session_step.packing import PACKED_DDL, PARTITION, bucket_keys, pack_batches
from spark_app.stages.session_step.state_reader import mend_state_reader
from spark_app.stages.session_step.step import Step, advance, close_all
from spark_app.stages.session_step.tracks import TrackLookup
from spark_app.stages.sessions.session_rows import USED_FIELDS, WATERMARK_DELAY_MS

mend_state_reader()  # of the workers: they import this module for what they do

TRACK_COLUMNS = ("track_id", "artist_id", "duration_ms", "total_track_popularity")
Tracks = Broadcast[TrackLookup]
"""The static tracks as every worker has them: sent once, not with every task."""

NEVER_LATE = datetime(2262, 1, 1, tzinfo=UTC)
"""The time of a bucket's row at the stateful operator, near the last that pandas can hold. Spark drops rows behind the
watermark before Python sees them, and the late rows in a packed one would go uncounted: the step drops them itself."""
_DELAY_KEY = "spark.watermarkDelayMs"
"""How Spark marks the column that carries the watermark; the operator asks for one."""
STATE_DDL = "rows binary, plays_ms bigint, activity_ms bigint, watermark_ms bigint, looks binary"
"""A bucket's open rows, null without any; how far each topic is, 0 before its first row; the watermark after the
micro-batch in which it was last called; and what the looks at its sessions have left behind, as `LookAtSessions` writes
it."""
ALERT_COLUMNS = ("alert", "was_alerted")
"""Of a row of the step: an alert as its message, in a row that is no session; and whether a closed session had one."""
_ALERT_DDL = "alert string, was_alerted boolean"
COUNTS = ("rows", "late", "duplicate", "open_rows", "open_bytes", "alerts")
"""Counted in every micro-batch: good rows, those of them that were late or duplicate, open rows, and alerts."""
WATERMARK = "watermark_ms"
"""Told with the counts: what the rows of the micro-batch moved the watermark to."""
_STEPPED = f"{SESSION_DDL}, {_ALERT_DDL}" + "".join(f", {name} bigint" for name in (*COUNTS, WATERMARK))


@dataclass(frozen=True, slots=True)
class RaisedAlerts:
    """What the looks of a micro-batch at the sessions of a bucket gave."""

    messages: list[str]
    was_alerted: Bools
    """Of each closed session, whether an alert was raised for it, now or before."""
    kept: bytes | None
    """What the looks leave behind for the next micro-batch: kept in the state; None for nothing."""


LookAtSessions = Callable[[Step, bytes | None, int, int], RaisedAlerts]
"""Looks at the sessions of a step. Takes what it kept of the micro-batch before, that watermark and this one."""


def broadcast_tracks(tracks: DataFrame) -> Tracks:
    """Send the static tracks to every worker."""
    lookup = TrackLookup.from_table(tracks.select(*TRACK_COLUMNS).toArrow())
    return tracks.sparkSession.sparkContext.broadcast(lookup)


def pack_messages(messages: DataFrame, topic: str, tracks: Tracks) -> DataFrame:
    """Turn messages (partition, value, headers, limit_ms) of a topic into packed rows by bucket: PACKED_DDL."""
    buckets = bucket_keys(shuffle_partitions(messages))
    pack = partial(_parse_and_pack, topic=topic, tracks=tracks, buckets=buckets)
    return with_clock(in_few_tasks(messages)).mapInArrow(pack, PACKED_DDL)


def pack_rows(rows: DataFrame, topic: str, tracks: Tracks) -> DataFrame:
    """Turn typed rows of a topic, as the parser gives them, into packed rows by bucket."""
    used = [field.name for field in fields_named(topic, USED_FIELDS[topic])]
    buckets = bucket_keys(shuffle_partitions(rows))
    return rows.select(*used).mapInArrow(partial(_pack_typed, topic=topic, tracks=tracks, buckets=buckets), PACKED_DDL)


def step_sessions(packed: DataFrame, look: LookAtSessions | None = None) -> DataFrame:
    """Turn packed rows of both topics into closed sessions: SESSION_COLUMNS. In batch, every session is closed.

    In a stream with `look`, open sessions are looked at: ALERT_COLUMNS are added, and a row for each alert.
    """
    if not packed.isStreaming:
        return packed.repartition("bucket").mapInArrow(_close_buckets, SESSION_DDL)
    never_late = F.lit(NEVER_LATE).alias("event_time", metadata={_DELAY_KEY: 0})
    stepped = (
        packed.select("bucket", never_late, "topic", "newest_ms", "rows")
        .groupBy("bucket")
        .applyInPandasWithState(
            partial(advance_bucket, look=look), _STEPPED, STATE_DDL, "append", GroupStateTimeout.EventTimeTimeout
        )
    )
    counts = (F.sum(name).alias(name) for name in COUNTS)
    counted = stepped.observe(SESSION_STEP, *counts, F.max(WATERMARK).alias(WATERMARK))
    # one row per session and per alert: without the rows that only count
    columns = SESSION_COLUMNS if look is None else (*SESSION_COLUMNS, *ALERT_COLUMNS)
    return counted.where(F.col("user_id").isNotNull()).select(*columns)


def _parse_and_pack(
    batches: Iterable[pa.RecordBatch], topic: str, tracks: Tracks, buckets: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    fields = fields_named(topic, USED_FIELDS[topic])
    return pack_batches(good_batches(batches, topic, fields, (PARTITION,)), topic, tracks.value, buckets)


def _pack_typed(
    batches: Iterable[pa.RecordBatch], topic: str, tracks: Tracks, buckets: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    return pack_batches(batches, topic, tracks.value, buckets)


def _close_buckets(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    buckets: dict[int, list[bytes]] = {}
    for batch in batches:
        for bucket, rows in zip(batch["bucket"].to_pylist(), batch["rows"].to_pylist(), strict=True):
            buckets.setdefault(bucket, []).extend([] if rows is None else [rows])
    for packed in buckets.values():
        if packed:
            yield session_columns(close_all(pa.concat_tables(map(unpack, packed))))


def watermark_of(plays_ms: int, activity_ms: int) -> int:
    """Return the watermark by how far each topic is, in ms: the slower topic's; 0 until both have rows.

    A topic is as far as the slowest of its partitions that have rows in a micro-batch, so a partition that is behind in
    a backlog makes none of its rows late, unless it is over a micro-batch behind: then Spark's watermark, by the newest
    partition, has passed them. One without rows had nothing to read when the micro-batch was planned: what it has later
    was sent after all of these.

    >>> watermark_of(1741005060000, 1741005000000), watermark_of(1741005060000, 0)
    (1741004940000, 0)
    """
    return max(min(plays_ms, activity_ms) - WATERMARK_DELAY_MS, 0)


def advance_bucket(
    key: tuple[Any, ...], frames: Iterable[pd.DataFrame], state: GroupState, look: LookAtSessions | None = None
) -> Iterator[pd.DataFrame]:
    """Process a micro-batch's rows of one bucket; without rows, close what the watermark has passed.

    Every bucket is called in every micro-batch that has rows of any account, and knows how far each topic is in it. So
    sessions close, and are looked at, in the micro-batch whose rows move the watermark past them. Spark's watermark
    comes a micro-batch later. It may be further, by the newest partition: what is open then, closes by it.
    """
    of_spark_ms = state.getCurrentWatermarkMs()
    kept, *before_ms, watermark_before_ms, looked = state.get if state.exists else (None, 0, 0, 0, None)
    packed, slowest_ms = [], dict[int, int]()
    for frame in frames:
        # a bucket that is called without rows has a frame of nulls, or without any row
        packed += [rows for rows in frame["rows"] if rows is not None]
        known = frame[["topic", "newest_ms"]].dropna()
        for topic, ms in known.astype(np.int64).to_numpy().tolist():
            slowest_ms[topic] = min(slowest_ms.get(topic, ms), ms)
    newest_ms = [max(ms, slowest_ms.get(topic, 0)) for topic, ms in enumerate(before_ms)]
    watermark_ms = max(watermark_before_ms, watermark_of(*newest_ms), of_spark_ms)
    new_rows = pa.concat_tables([no_rows(), *map(unpack, packed)])
    step = advance(no_rows() if kept is None else unpack(kept), new_rows, watermark_before_ms, watermark_ms)
    now_kept = pack(step.open) if len(step.open) else None
    raised = RaisedAlerts([], np.zeros(len(step.closed), bool), None)
    if look is not None:
        raised = look(step, looked, watermark_before_ms, watermark_ms)
    state.update((now_kept, *newest_ms, watermark_ms, raised.kept))
    # called again as soon as Spark's watermark is over it, with rows or without; Spark refuses 0, that before the first
    state.setTimeoutTimestamp(max(of_spark_ms, 1))
    if len(step.closed):
        sessions = session_columns(step.closed).to_pandas()
        nothing = dict.fromkeys((*COUNTS, WATERMARK), np.int64(0))
        yield sessions.assign(alert=None, was_alerted=raised.was_alerted, **nothing)
    kept_bytes, alerts = len(now_kept or b""), len(raised.messages)
    counts = len(new_rows), step.late.sum(), step.duplicate.sum(), len(step.open), kept_bytes, alerts
    counted = dict.fromkeys((*SESSION_COLUMNS, *ALERT_COLUMNS)) | dict(zip(COUNTS, map(int, counts), strict=True))
    yield pd.DataFrame([counted | {"first_event_ms": 0, WATERMARK: watermark_ms}])
    if raised.messages:
        no_session = dict.fromkeys(SESSION_COLUMNS) | dict.fromkeys((*COUNTS, WATERMARK), 0)
        no_session |= {"user_id": "", "first_event_ms": 0}
        yield pd.DataFrame([no_session | {"alert": message, "was_alerted": None} for message in raised.messages])
