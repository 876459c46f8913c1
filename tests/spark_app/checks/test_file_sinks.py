"""The guard of tables that Spark's file sink writes: what a crash leaves passes, all else is refused in one line."""

import json
import shutil
from pathlib import Path

import pytest

from contracts.domain import SHOP
from runtime.lake.sink_tables import SINK_LOG
from runtime.settings import Settings
from runtime.world import Unit, World
from spark_app.checks.file_sinks import check_sinks
from spark_app.errors import StateError
from spark_app.shop.start import ShopOptions, run_shop
from spark_app.shop.tables import APPENDED, PREDICTIONS, REJECTED

OFFSETS = 'v1\n{"batchWatermarkMs":0}\n{"browsing":{"0":12}}'


def ran(unit: Unit, query: str, planned: int = 3, written: int = 3, committed: int = 3) -> None:
    """Leave what Spark leaves of a query: the micro-batches up to these numbers, a file of rows each."""
    checkpoint, table = unit.checkpoints / query, unit.table(query)
    for folder in (checkpoint / "offsets", checkpoint / "commits", table / SINK_LOG):
        folder.mkdir(parents=True)
    (checkpoint / "metadata").write_text('{"id":"1"}')
    for number in range(planned + 1):
        (checkpoint / "offsets" / str(number)).write_text(OFFSETS)
    for number in range(committed + 1):
        (checkpoint / "commits" / str(number)).write_text('v1\n{"nextBatchWatermarkMs":0}')
    for number in range(written + 1):
        part = table / f"part-{number}.parquet"
        part.touch()
        (table / SINK_LOG / str(number)).write_text("v1\n" + json.dumps({"path": part.as_uri(), "action": "add"}))


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """A version of a shop that has run."""
    unit = Unit(tmp_path / "v1")
    for query in APPENDED:
        ran(unit, query)
    return unit


def refused(unit: Unit) -> str:
    """Return the one line with which the guard refuses a unit."""
    with pytest.raises(StateError) as caught:
        check_sinks(unit, APPENDED)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith("playproof up --reread")
    return message


def test_a_first_start_passes(tmp_path: Path) -> None:
    check_sinks(Unit(tmp_path / "v1"), APPENDED)


@pytest.mark.parametrize(
    ("planned", "written", "committed"),
    [(-1, -1, -1), (0, -1, -1), (0, 0, -1), (0, 0, 0), (3, 2, 2), (3, 3, 2), (3, 3, 3)],
)
def test_what_is_left_between_two_logs_of_a_micro_batch_passes(
    tmp_path: Path, planned: int, written: int, committed: int
) -> None:
    unit = Unit(tmp_path / "v1")
    ran(unit, PREDICTIONS, planned, written, committed)
    check_sinks(unit, APPENDED)


def test_what_spark_removes_of_its_logs_may_be_gone(unit: Unit) -> None:
    log = unit.table(PREDICTIONS) / SINK_LOG
    entries = [(log / str(number)).read_text().partition("\n")[2] for number in range(3)]
    (log / "2.compact").write_text("\n".join(["v1", *entries]))
    for number in range(3):
        (log / str(number)).unlink()
        (unit.checkpoints / PREDICTIONS / "offsets" / str(number)).unlink()
        (unit.checkpoints / PREDICTIONS / "commits" / str(number)).unlink()
    check_sinks(unit, APPENDED)


@pytest.mark.parametrize("query", APPENDED)
def test_a_table_without_its_checkpoint_is_refused(unit: Unit, query: str) -> None:
    shutil.rmtree(unit.checkpoints / query)
    message = refused(unit)
    assert message.startswith(f"lake/{query} has micro-batch 3, and checkpoints/{query} has none: new rows would be")


def test_a_new_checkpoint_over_an_old_table_is_refused_too(unit: Unit) -> None:
    shutil.rmtree(unit.checkpoints / REJECTED)
    shutil.rmtree(unit.table(REJECTED))
    ran(unit, REJECTED, planned=1, written=3, committed=1)
    assert refused(unit).startswith("lake/rejected has micro-batch 3, and checkpoints/rejected ends with 1: new rows")


def test_a_checkpoint_whose_plan_is_gone_is_refused(unit: Unit) -> None:
    shutil.rmtree(unit.checkpoints / PREDICTIONS / "offsets")
    assert "checkpoints/predictions has none: new rows would be skipped silently" in refused(unit)


def test_copies_of_offsets_of_a_checkpoint_that_is_gone_are_refused(tmp_path: Path) -> None:
    unit = Unit(tmp_path / "v1")
    (unit.offsets / PREDICTIONS).mkdir(parents=True)
    (unit.offsets / PREDICTIONS / "7").write_text(OFFSETS)
    assert refused(unit).startswith("offsets/predictions has micro-batch 7, and checkpoints/predictions has none: the")
    ran(unit, PREDICTIONS, planned=7, written=7, committed=7)
    check_sinks(unit, APPENDED)


@pytest.mark.parametrize("query", APPENDED)
def test_a_checkpoint_without_its_table_is_refused(unit: Unit, query: str) -> None:
    shutil.rmtree(unit.table(query))
    assert refused(unit).startswith(f"query {query} has done micro-batch 3, and lake/{query} has none: what it wrote")


@pytest.mark.parametrize("has_commits", [True, False])
def test_a_table_that_is_older_than_its_checkpoint_is_refused(unit: Unit, has_commits: bool) -> None:
    for number in (1, 2, 3):
        (unit.table(PREDICTIONS) / SINK_LOG / str(number)).unlink()
    if not has_commits:
        shutil.rmtree(unit.checkpoints / PREDICTIONS / "commits")
    done = 3 if has_commits else 2
    assert f"has done micro-batch {done}, and lake/predictions ends with 0" in refused(unit)


@pytest.mark.parametrize("content", [b"", b"v", b"\x00garbage\xff"])
@pytest.mark.parametrize("name", ["metadata", "offsets/3", "offsets/2", "commits/3"])
@pytest.mark.parametrize("query", [PREDICTIONS, "fraud_counts"])
def test_an_unreadable_file_of_a_checkpoint_is_named(unit: Unit, query: str, name: str, content: bytes) -> None:
    if query not in APPENDED:
        shutil.copytree(unit.checkpoints / PREDICTIONS, unit.checkpoints / query)
    (unit.checkpoints / query / name).write_bytes(content)
    assert f"checkpoints/{query}/{name} is unreadable" in refused(unit)


@pytest.mark.parametrize("content", [b"", b"v", b'v1\n{"path":"file:/', b"v1\n\xff"])
@pytest.mark.parametrize("number", [0, 3])
def test_a_cut_log_of_a_table_is_named(unit: Unit, number: int, content: bytes) -> None:
    (unit.table(PREDICTIONS) / SINK_LOG / str(number)).write_bytes(content)
    assert f"lake/predictions/{SINK_LOG}/{number} is unreadable" in refused(unit)


def test_a_file_that_the_table_counts_and_that_is_gone_is_named(unit: Unit) -> None:
    (unit.table(PREDICTIONS) / "part-2.parquet").unlink()
    assert "lake/predictions counts part-2.parquet, which is gone" in refused(unit)


def test_the_job_of_a_shop_looks_before_it_asks_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spark_app.session.run_in_utc", lambda: None)  # the other tests stay in their zone
    world = World(tmp_path / "shop")
    for table in SHOP.static:
        folder = world.root / "static" / table / "as_of=2024-01-01"
        folder.mkdir(parents=True)
        (folder / "part.csv").touch()
        (folder.parent / "CURRENT").write_text(folder.name)
    world.set_domain(SHOP)
    ran(world.unit, PREDICTIONS)
    shutil.rmtree(world.unit.checkpoints)
    with pytest.raises(StateError, match=r"^lake/predictions has micro-batch 3, and checkpoints/predictions has none"):
        run_shop(Settings(data=tmp_path, world="shop", broker="127.0.0.1:1"), ShopOptions())
