"""Packing by bucket, and the stateful operator with a state that a test holds: what Spark calls, without Spark."""

from collections.abc import Sequence
from typing import Any, cast

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.serializers import ApplyInPandasWithStateSerializer
from pyspark.sql.streaming.state import GroupState

from contracts.events import HEARTBEAT_USER, PLAYS
from contracts.tables import LAKE
from runtime.units import HOUR_MS
from spark_app.errors import StateError
from spark_app.stages.session_step.operator import COUNTS, WATERMARK, advance_bucket
from spark_app.stages.session_step.packed_rows import unpack
from spark_app.stages.session_step.packing import PARTITION, bucket_keys, pack_batches
from spark_app.stages.session_step.tracks import TrackLookup
from spark_app.stages.sessions.session_rows import WATERMARK_DELAY_MS
from tests.spark_app.typed import NOON_MS, TypedRow, at, hash_of, play

ARROW = {"timestamp": pa.timestamp("us", tz="UTC"), "int": pa.int32(), "bigint": pa.int64()}
KEYS = bucket_keys(4)
NO_TRACKS = TrackLookup.from_table(
    pa.table({name: pa.array([], pa.string()) for name in ("track_id", "artist_id")}
             | {"duration_ms": pa.array([], pa.int32()), "total_track_popularity": pa.array([], pa.float64())})
)  # fmt: skip


class HeldState:
    """A bucket's state at the micro-batches that a test plays."""

    def __init__(self) -> None:
        self.value: tuple[Any, ...] | None = None
        self.of_spark_ms = 0
        self.timeout_ms = 0

    @property
    def exists(self) -> bool:
        return self.value is not None

    @property
    def get(self) -> tuple[Any, ...] | None:
        return self.value

    def update(self, value: tuple[Any, ...]) -> None:
        self.value = value

    def getCurrentWatermarkMs(self) -> int:
        return self.of_spark_ms

    def setTimeoutTimestamp(self, at_ms: int) -> None:
        assert 0 < at_ms >= self.of_spark_ms, "Spark refuses it"
        self.timeout_ms = at_ms

    def is_called(self) -> bool:
        """Return whether Spark calls the bucket at a micro-batch without rows."""
        return self.timeout_ms < self.of_spark_ms


def packed(rows: Sequence[TypedRow], partitions: Sequence[int] = ()) -> pa.RecordBatch:
    """Pack plays by bucket, as one task does; `partitions` of the topic, by row, where it reads several."""
    columns = {c.name: pa.array([row.get(c.name) for row in rows], ARROW.get(c.type, pa.string())) for c in LAKE[PLAYS]}
    columns |= {PARTITION: pa.array(partitions, pa.int32())} if partitions else {}
    (batch,) = pack_batches([pa.RecordBatch.from_pydict(columns)], PLAYS, NO_TRACKS, KEYS)
    return batch


def advance(state: HeldState, rows: Sequence[TypedRow], watermark_ms: int) -> tuple[list[str], dict[str, int]]:
    """Run a micro-batch of one account's rows that moves the watermark; return the accounts of closed sessions, and
    the counts."""
    values = [value for value in packed(rows)["rows"].to_pylist() if value] if rows else []
    newest_ms = watermark_ms + WATERMARK_DELAY_MS
    lines = [(0, newest_ms, None), (1, newest_ms + 1, None), *((0, None, value) for value in values)]
    frames = list(advance_bucket((0,), [frame_of(*lines)], cast(GroupState, state)))
    assert max(frame[WATERMARK].max() for frame in frames) == max(watermark_ms, 0)
    counts = {name: int(sum(frame[name].sum() for frame in frames)) for name in COUNTS}
    return [user for frame in frames for user in frame["user_id"] if user], counts


def frame_of(*lines: tuple[int | None, int | None, bytes | None]) -> pd.DataFrame:
    """Return packed rows of a bucket (topic, newest_ms, rows) as Spark gives them."""
    return pd.DataFrame(lines, columns=["topic", "newest_ms", "rows"])


def test_every_bucket_gets_a_row_and_each_play_is_in_the_bucket_of_its_account() -> None:
    users = [f"u{i}" for i in range(5)]
    batch = packed([play(60 * i, user=user) for i, user in enumerate(users)])
    assert batch["bucket"].to_pylist() == list(KEYS)
    found = {
        user: place
        for place, value in enumerate(batch["rows"].to_pylist())
        for user in (unpack(value)["user_id"].to_pylist() if value else [])
    }
    assert found == {user: hash_of(user) % len(KEYS) for user in users}


def test_each_partition_of_spark_has_one_bucket(spark: SparkSession) -> None:
    found = {
        n: spark.createDataFrame([(key,) for key in bucket_keys(n)], "bucket int")
        .repartition(n, "bucket")
        .select(F.spark_partition_id())
        .collect()
        for n in (1, 2, 7)
    }
    assert {n: sorted(place for (place,) in rows) for n, rows in found.items()} == {n: [*range(n)] for n in found}


def test_a_heartbeat_moves_the_time_of_the_first_bucket_and_is_packed_nowhere() -> None:
    batch = packed([play(5), play(0), play(90, user=HEARTBEAT_USER)])
    assert sum(len(unpack(value)) for value in batch["rows"].to_pylist() if value) == 2
    assert batch["event_time"].to_pylist() == [at(90)] + [at(0)] * (len(KEYS) - 1)
    assert batch["newest_ms"].to_pylist() == [NOON_MS + 90_000] * len(KEYS)


def test_a_topic_is_as_far_as_the_slowest_of_its_partitions_with_rows() -> None:
    tasks = packed([play(90), play(300)]), packed([play(0), play(60)])
    frames = [task.to_pandas()[["topic", "newest_ms", "rows"]][:1] for task in tasks]
    state = HeldState()
    list(advance_bucket((KEYS[0],), [pd.concat(frames)], cast(GroupState, state)))
    assert state.value is not None
    assert state.value[1:4] == (NOON_MS + 60_000, 0, 0), "how far plays and activity are, and the watermark"


def test_a_task_that_reads_several_partitions_is_as_far_as_the_slowest_of_them() -> None:
    batch = packed([play(90), play(0), play(300), play(60)], partitions=[1, 3, 1, 3])
    assert batch["newest_ms"].to_pylist() == [NOON_MS + 60_000] * len(KEYS)
    assert batch["event_time"].to_pylist()[0] == at(300), "Spark takes the newest row of any partition"


def test_late_is_what_the_watermark_after_the_micro_batch_before_has_passed() -> None:
    state = HeldState()
    assert advance(state, [play(0)], NOON_MS)[1] | {"open_bytes": 0} == {
        "rows": 1, "late": 0, "duplicate": 0, "open_rows": 1, "open_bytes": 0, "alerts": 0,
    }  # fmt: skip
    closed, counts = advance(state, [play(0, play_id="late"), play(0.001), play(0.001)], NOON_MS + HOUR_MS)
    assert (closed, counts["late"], counts["duplicate"], counts["open_rows"]) == (["u1"], 1, 1, 0)


def test_a_session_closes_in_the_micro_batch_whose_rows_move_the_watermark_past_it_and_nothing_is_kept() -> None:
    state = HeldState()
    assert advance(state, [play(0), play(5)], NOON_MS)[0] == []
    closed, counts = advance(state, [], NOON_MS + HOUR_MS)
    assert (closed, counts) == (["u1"], dict.fromkeys(COUNTS, 0))
    newest_ms = NOON_MS + HOUR_MS + WATERMARK_DELAY_MS
    assert state.value == (None, newest_ms, newest_ms + 1, NOON_MS + HOUR_MS, None)


def test_a_micro_batch_of_older_rows_takes_no_watermark_back() -> None:
    state = HeldState()
    advance(state, [play(0)], NOON_MS)
    (counts,) = advance_bucket((0,), [frame_of((0, NOON_MS, None))], cast(GroupState, state))
    assert counts[WATERMARK].tolist() == [NOON_MS]


def test_without_rows_a_bucket_is_called_once_sparks_watermark_is_over_the_last_and_closes_what_it_has_passed() -> None:
    state = HeldState()
    advance(state, [play(0), play(5)], NOON_MS)
    assert not state.is_called()
    state.of_spark_ms = NOON_MS + HOUR_MS
    assert state.is_called()
    nulls = frame_of((None, None, None))
    (sessions, counts) = advance_bucket((0,), [nulls, nulls[:0]], cast(GroupState, state))
    assert (sessions["user_id"].tolist(), counts[WATERMARK].tolist()) == (["u1"], [NOON_MS + HOUR_MS])
    assert not state.is_called()


def test_the_place_of_a_group_stays_an_integer_in_a_batch_with_more_rows_than_groups() -> None:
    group = {"startOffset": 0, "numRows": 2, "isLastChunk": True}
    reader: Any = ApplyInPandasWithStateSerializer("UTC", False, True, None, 1000, False)  # type: ignore[no-untyped-call]
    found = reader.arrow_to_pandas(pa.chunked_array([pa.array([group, None])]))
    assert found.tolist() == [group, None]
    assert type(found[0]["startOffset"]) is int
    assert reader.arrow_to_pandas(pa.chunked_array([[1, 2]])).tolist() == [1, 2]


def test_a_state_that_this_code_cannot_read_is_refused() -> None:
    state = HeldState()
    state.value = (b"of another version", 0, 0, 0, None)
    with pytest.raises(StateError, match="up --reread"):
        advance(state, [], 0)
