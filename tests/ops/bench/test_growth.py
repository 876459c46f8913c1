"""The made-up rows whose growth is measured: no outcome of the measurement depends on how they were made."""

import numpy as np

from ops.bench.growth import NOON_MS, make_rows, measure
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
