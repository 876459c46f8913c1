"""The same events make the same sessions, however fast they came, as a stream or in batch."""

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from contracts.features import FEATURE_NAMES
from spark_app.batch import training_table
from spark_app.local.rows import read_world_rows
from spark_app.local.sessions import session_features
from spark_app.local.user_days import user_days
from tests.flow.conftest import QUIET_FROM, QUIET_UNTIL, Live
from tests.flow.lake import Row, differences, in_utc, rows_of, sessions_by_key
from tests.flow.stage import Stage


@pytest.fixture(scope="module")
def played(live: Live) -> dict[str, Row]:
    """Sessions of the paced replay into the running job."""
    return sessions_by_key(rows_of(live.stage.world.unit, "sessions"))


def test_at_any_speed_the_same_events_give_identical_sessions(rushed: Stage, played: dict[str, Row]) -> None:
    last_ms = max(row["ended_at"] for row in played.values())
    first_pass = [row for row in rows_of(rushed.world.unit, "sessions") if row["ended_at"] <= last_ms]
    assert len(played) > 100
    assert differences(sessions_by_key(first_pass), played) == []


def test_batch_and_stream_give_every_session_the_same_features(
    spark: SparkSession, live: Live, played: dict[str, Row]
) -> None:
    described = training_table.session_features(spark, live.stage.world)
    in_batch = sessions_by_key(in_utc(described.toArrow()).to_pylist())
    assert set(FEATURE_NAMES) <= set(next(iter(in_batch.values())))
    assert differences(played, in_batch) == []


def test_one_process_without_spark_gives_every_session_the_same_features(live: Live, played: dict[str, Row]) -> None:
    rows = read_world_rows(live.stage.world)
    table = pa.Table.from_batches([session_features(rows, user_days(rows)[1])])
    in_process = sessions_by_key(in_utc(table).to_pylist())
    assert differences(played, in_process) == []


def test_sessions_close_while_a_topic_is_silent(rushed: Stage) -> None:
    """In the first pass activity says nothing for hours; its heartbeats move the watermark on."""
    quiet = [
        row
        for row in rows_of(rushed.world.unit, "sessions")
        if row["started_at"].replace(tzinfo=None) >= QUIET_FROM and row["ended_at"].replace(tzinfo=None) <= QUIET_UNTIL
    ]
    assert quiet
    assert all(row["activity_rows"] == 0 and row["plays_rows"] > 0 for row in quiet)
