"""The back-test: whom a rule would hit, next to the model, by verdicts and by truth; quick on 100,000 sessions."""

import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.rules.backtest import back_test, rate
from models.rules.errors import RuleError
from models.rules.parse import parse
from models.rules.wording import format_test
from models.tables.lake_tables import replace_part
from runtime.world import World

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def write_days(world: World, **plays: float | None) -> None:
    """Write user-days of accounts with so many plays."""
    rows = [{"user_id": user, "plays_day": n, "local_date": AT.date(), "streams": 10} for user, n in plays.items()]
    replace_part(world.unit.table("user_days") / "batch_id=0", pa.Table.from_pylist(rows))


def write_sessions(world: World, parts: int, **columns: object) -> None:
    """Write scored sessions in parts, as micro-batches do."""
    table = pa.table(columns)
    for part in range(parts):
        folder = world.unit.table("sessions") / f"batch_id={part}"
        folder.mkdir(parents=True)
        pq.write_table(table.slice(part * len(table) // parts, len(table) // parts), folder / "part.parquet")
        (folder / "_SUCCESS").touch()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Four accounts: two bots, a sleeper, a regular one; the rule hits b1 and s1, not b2, of whom it is not known."""
    world = World(tmp_path / "w")
    write_sessions(
        world, 2, user_id=["b1", "b1", "b2", "s1", "r1", "r1"], is_flagged=[True, False, True, False, False, False],
        streams=[120.0, 130.0, 200.0, 110.0, 5.0, 8.0], share_30_35=[0.9, 0.9, None, 0.85, 0.1, None],
    )  # fmt: skip
    return world


def add_truth(world: World) -> None:
    world.truth("users.parquet").parent.mkdir()
    rows = {"user_id": ["b1", "b2", "s1", "r1"], "family": ["loop30", "loop30", "honest", "honest"],
            "cohort": [None, None, "sleep", "regular"]}  # fmt: skip
    pq.write_table(pa.table(rows), world.truth("users.parquet"))


RULE = parse("share_30_35 > 0.8 and streams >= 100", "session")


def test_hits_are_counted_by_session_and_account_and_next_to_the_model(world: World) -> None:
    test = back_test(world, RULE)
    assert (test.rows, test.hits, test.unknown, test.streams) == (6, 3, 1, 360)
    assert (test.both, test.only_rule, test.only_model) == (1, 2, 1)
    assert test.accounts == rate(2, 4)
    assert test.examples == ("b1", "s1")
    assert (test.verdicts, test.truth, test.by_cohort) == (None, None, {})
    lines = list(format_test(test.as_dict()))
    assert lines[-1] == "bots, of accounts hit: not known in this world"
    assert "none decided yet" in lines[-2]


def test_truth_and_verdicts_are_counted_by_account(world: World) -> None:
    add_truth(world)
    with sqlite3.connect(world.verdicts) as db:
        db.execute("create table standing (user_id, verdict, drawn_by, draw_probability, step)")
        decided = [("b1", "confirm"), ("b2", "confirm"), ("s1", "dismiss")]
        db.executemany("insert into standing values (?, ?, 'flag', 1.0, 'decide')", decided)
    test = back_test(world, RULE)
    assert (test.truth, test.verdicts) == (rate(1, 2), rate(1, 2))
    assert test.by_family == {"loop30": rate(1, 2)}
    assert test.by_cohort == {"sleep": rate(1, 1), "regular": rate(0, 1)}
    lines = list(format_test(test.as_dict()))
    assert "  sleep: 1 of 1 (100 %; 95 % interval 21 % to 100 %)" in lines


def test_days_have_their_own_table_and_a_world_without_it_is_told_the_command(world: World) -> None:
    flood = parse("plays_day >= 800", "day")
    with pytest.raises(RuleError, match="playproof days build"):
        back_test(world, flood)
    write_days(world, u1=900.0, u2=20.0)
    test = back_test(world, flood)
    assert (test.rows, test.hits, test.streams, test.both) == (2, 1, 10, None)


def test_100_000_sessions_take_a_few_seconds(tmp_path: Path) -> None:
    rng, n, world = np.random.default_rng(1), 100_000, World(tmp_path / "big")
    values = {name: rng.random(n) for name in ("share_30_35", "skip_rate", "hours", "streams")}
    users = np.char.add("u", rng.integers(0, 8000, n).astype(str))
    write_sessions(world, 50, user_id=users, is_flagged=rng.random(n) < 0.02, **values)
    began = time.process_time()
    assert back_test(world, parse("share_30_35 > 0.8 and not skip_rate > 0.5", "session")).rows == n
    assert time.process_time() - began < 5
