"""The made-up rows whose growth is measured: no outcome of the measurement depends on how they were made."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from contracts.events import ACTIVITY, PLAYS
from ops.bench.growth import NOON_MS, make_rows, measure
from ops.bench.growth_job import SPAN_MS, GrowthParameters, squeeze_world
from runtime.parquet import count_rows, read_parquet
from runtime.world import World
from spark_app.stages.session_step.packed_rows import ROWS, no_rows
from spark_app.stages.session_step.step import advance


def test_made_up_rows_are_rows_of_the_step_and_stay_open() -> None:
    rows = make_rows(2000, 100, NOON_MS, np.random.default_rng(7))
    assert rows.schema.equals(ROWS)
    assert rows.equals(make_rows(2000, 100, NOON_MS, np.random.default_rng(7)))
    assert len({*zip(rows["user_id"].to_pylist(), rows["user"].to_pylist(), strict=True)}) == 100
    step = advance(no_rows(), rows, 0, NOON_MS)
    assert (len(step.open), len(step.closed), step.late.sum(), step.duplicate.sum()) == (2000, 0, 0, 0)


def test_the_state_grows_by_the_new_rows() -> None:
    figures = measure(20_000, 500, seed=7)
    assert 1.05 < figures["state_after_mb"] / figures["state_mb"] < 1.2
    assert 30 < figures["bytes_per_row"] < 100


def test_rows_of_a_world_are_squeezed_so_that_no_session_closes(tmp_path: Path) -> None:
    world = World(tmp_path / "growth")
    asked = GrowthParameters(accounts=6_100, open_rows=15_000, new_rows=3_000, rows_per_s=10.0, seconds=5.0)
    squeeze_world(world, asked)
    files = [file for topic in (PLAYS, ACTIVITY) for file in world.raw(topic).glob("date=*/*.parquet")]
    assert len(files) == 2
    assert 0.9 * asked.rows < count_rows(files) < 1.1 * asked.rows
    for file in files:
        times = read_parquet(file)["event_time"].cast(pa.int64()).to_numpy()
        assert (np.diff(times) >= 0).all(), "the replay cuts batches by time"
        assert times[-1] - times[0] < SPAN_MS
    written = [file.stat().st_mtime_ns for file in files]
    squeeze_world(world, asked)
    assert [file.stat().st_mtime_ns for file in files] == written
