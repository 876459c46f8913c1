"""`playproof job show`: the newest predictions of a world, without Spark."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.domain import SHOP
from runtime.monitoring.progress import record_job
from runtime.world import World
from spark_app.last_predictions import Row, read_newest
from tests.conftest import Playproof

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def prediction(second: int, reasons: list[Row] | None) -> Row:
    return {
        "session_key": f"u1:{second}", "user_id": "u1", "scored_at": AT + timedelta(seconds=second),
        "rawPrediction": [-1.5, 1.5], "probability": [0.1824, 0.8176], "prediction": float(second < 25),
        "reasons": reasons, "model_version": "mine@12345678", "score": 0.8176,
    }  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three micro-batches of ten sessions; the first file is the newest by name, and a crash left another."""
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    world = World(tmp_path / "w")
    table = world.unit.table("sessions") / "date=2026-03-01"
    table.mkdir(parents=True)
    log = table.parent / "_spark_metadata"
    log.mkdir()
    for number, name in enumerate(("c", "b", "a")):
        raises = [{"feature": "plays", "value": 80.0, "contribution": 2.0}]
        rows = [prediction(10 * number + second, raises if number else None) for second in range(10)]
        pq.write_table(pa.Table.from_pylist(rows), table / f"{name}.parquet")
        entry = {"path": (table / f"{name}.parquet").as_uri(), "action": "add"}
        (log / str(number)).write_text("v1\n" + json.dumps(entry))
    pq.write_table(pa.Table.from_pylist([prediction(99, None)]), table / "orphan.parquet")
    return world


def test_the_newest_come_first_and_what_no_micro_batch_committed_is_left_out(world: World) -> None:
    assert [row["session_key"] for row in read_newest(world, 12)] == [f"u1:{second}" for second in range(29, 17, -1)]


def test_the_command_shows_them_as_a_table_in_the_display_zone(
    world: World, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_TIME_ZONE", "Australia/Melbourne")
    lines = playproof("job", "show", "--world", world.name, "--last", "25").out.splitlines()
    assert lines[0] == "last 25 predictions, by mine@12345678"
    assert lines[1].split() == ["scored", "session", "rawPrediction", "probability", "prediction", "reasons"]
    assert " ".join(lines[2].split()) == "23:00:29 AEDT u1:29 [-1.5000, 1.5000] [0.1824, 0.8176] 0.0 plays 80"
    assert lines[-1].endswith("no reasons from this model")
    assert len(lines) == 27


def test_only_flagged_ones_may_be_shown(world: World, playproof: Playproof) -> None:
    assert [row["session_key"] for row in read_newest(world, 2, is_flagged=True)] == ["u1:24", "u1:23"]
    lines = playproof("job", "show", "--world", world.name, "--flagged").out.splitlines()
    assert lines[0].startswith("last 20 predictions")


def test_the_command_gives_json(world: World, playproof: Playproof) -> None:
    (newest,) = json.loads(playproof("job", "show", "--world", world.name, "--last", "1", "--json").out)
    assert newest["scored_at"] == "2026-03-01T12:00:29.000+00:00"
    assert newest["probability"] == [0.1824, 0.8176]


def test_a_world_that_was_scored_in_batch_only_shows_those(world: World) -> None:
    other = World(world.root.parent / "other")
    other.from_raw("scored_sessions").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([prediction(3, None)]), other.from_raw("scored_sessions") / "part.parquet")
    assert [row["session_key"] for row in read_newest(other)] == ["u1:3"]


def test_a_world_without_a_scored_session_names_the_commands(world: World, playproof: Playproof) -> None:
    (world.root.parent / "empty").mkdir()
    line = playproof("job", "show", "--world", "empty").error
    assert "world empty has no scored session yet: run  playproof job run --world empty" in line


def test_a_shops_predictions_are_shown_with_the_model_that_the_job_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, playproof: Playproof
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    world = World(tmp_path / "shop")
    table = world.unit.table("predictions") / "batch_id=0"
    table.mkdir(parents=True)
    world.set_domain(SHOP)
    record_job(world.unit, "shop_gbt@12345678", 0.0)
    row = {"session_id": "s1", "customer_id": "c1"} | {
        name: prediction(5, None)[name] for name in ("scored_at", "rawPrediction", "probability", "prediction")
    }
    pq.write_table(pa.Table.from_pylist([row]), table / "part.parquet")
    (table / "_SUCCESS").touch()
    _, out, _ = playproof("job", "show", "--world", "shop")
    assert out.startswith("last 1 predictions, by shop_gbt@12345678\n")
    assert "s1       [-1.5000, 1.5000]  [0.1824, 0.8176]         1.0  no reasons from this model" in out
