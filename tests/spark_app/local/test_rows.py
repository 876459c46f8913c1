"""Rows of a world in one process: duplicates are those of the stream."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from producer.simulator.build import build
from producer.simulator.scenario import load_scenario
from runtime.world import World
from spark_app.local.rows import read_world_rows
from spark_app.local.sessions import build_sessions
from spark_app.local.user_days import day_batch
from spark_app.stages.sessions.session_records import RECORD


def plays_of(world: World) -> tuple[int, int]:
    """Count the plays that count, in sessions and in user-days."""
    rows = read_world_rows(world)
    records = build_sessions(rows, None)["records"]
    activity = len(rows.activity)
    return sum(map(len, records.to_pylist())) // RECORD.itemsize - activity, int(day_batch(rows).is_play.sum())


def test_a_row_that_came_twice_counts_once_and_one_with_its_id_and_another_account_or_time_counts(
    tmp_path: Path,
) -> None:
    world = World(tmp_path / "a world")
    build(load_scenario("sample"), world)
    n = len(read_world_rows(world).plays)
    assert plays_of(world) == (n, n)
    file = world.raw_files("plays")[0]
    plays = pq.ParquetFile(file).read()
    row = plays.slice(0, 1)
    account, time = plays.schema.get_field_index("user_id"), plays.schema.get_field_index("event_time")
    # of a listener who has other plays
    other = plays.filter(pc.not_equal(plays["user_id"], row["user_id"][0])).slice(0, 1)["user_id"]
    later = pc.add(row["event_time"], pa.scalar(1_000, pa.duration("ms")))
    foreign = row.set_column(account, plays.schema.field(account), other.cast(plays.schema.field(account).type))
    moved = row.set_column(time, plays.schema.field(time), later.cast(plays.schema.field(time).type))
    pq.write_table(pa.concat_tables([plays, row, foreign, moved]), file)
    assert plays_of(world) == (n + 2, n + 2)
