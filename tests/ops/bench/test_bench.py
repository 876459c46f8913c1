"""The parts of the bench around its contenders; the whole is run by `playproof bench`."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.events import ACTIVITY, PLAYS
from ops.bench import bench, report
from ops.bench import world as bench_world
from ops.errors import StackError
from producer.simulator.build import Built
from runtime import terminal
from runtime.world import Unit, World
from spark_app.bench.command import NAMES
from tests.ops.bench.test_figures import figures

HELD = {
    PLAYS: {"messages": 10, "rows": 1900, "heartbeats": 1},
    ACTIVITY: {"messages": 8, "rows": 1100, "heartbeats": 2},
}
SENT = {PLAYS: 1900, ACTIVITY: 1100}
STEPS = [{"ended_at": 2.0, "query": "sessions", "messages": {PLAYS: 10, ACTIVITY: 8}}]


def faults(contender: str, accounted: int | None, sent: dict[str, int] = SENT) -> list[str]:
    return bench._faults({"contender": contender, "steps": STEPS}, figures(rows_accounted=accounted), HELD, sent)


def test_the_contenders_are_those_that_the_spark_package_has() -> None:
    assert set(bench.CONTENDERS) == set(NAMES)


def test_a_contender_that_wrote_every_row_has_no_fault() -> None:
    assert faults("scoring", 3000) == []
    assert faults(bench.RAW, None) == []


def test_only_the_minimal_job_may_have_heartbeats_among_its_rows() -> None:
    assert faults("minimal_spark", 3003) == []
    assert faults("scoring", 3003) == ["3,003 of 3,000 rows are in what it wrote"]


def test_rows_that_are_not_in_what_was_written_are_a_fault() -> None:
    assert faults("job", 2999) == ["2,999 of 3,000 rows are in what it wrote"]


def test_topics_that_hold_other_rows_than_were_sent_are_a_fault() -> None:
    found = faults("raw_consume", None, {PLAYS: 1900, ACTIVITY: 1101})
    assert found == ["topic activity has 1,100 rows, sent were 1,101"]


def write(table: Path, columns: dict[str, list[int]], file: str = "batch_id=0/part-0.parquet") -> None:
    (table / file).parent.mkdir(parents=True, exist_ok=True)
    (table / file).parent.joinpath("_SUCCESS").touch()
    pq.write_table(pa.table(columns), table / file)


def test_rows_are_accounted_for_by_the_sessions_they_are_in(tmp_path: Path) -> None:
    write(Unit(tmp_path).table("sessions"), {"plays_rows": [3, 4], "activity_rows": [5, 0]})
    assert bench.count_rows_written(Unit(tmp_path)) == 12


def test_where_sessions_and_rows_were_written_the_fewer_count(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    write(unit.table("sessions"), {"plays_rows": [3], "activity_rows": [5]})
    write(unit.table(PLAYS), {"listen_ms": [1, 2, 3]})
    write(unit.table(ACTIVITY), {"ts": [1, 2, 3, 4]})
    assert bench.count_rows_written(unit) == 7


def test_nothing_written_accounts_for_nothing(tmp_path: Path) -> None:
    assert bench.count_rows_written(Unit(tmp_path)) == 0


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the worlds that were simulated, each of 1,000 rows."""
    built: list[str] = []

    def build(scenario: Any, world: World) -> Built:
        built.append(world.name)
        world.root.mkdir(exist_ok=True)
        return Built(400, 600)

    monkeypatch.setattr(bench_world, "build", build)
    return built


def simulated(world: World, rows: int = 900, users: int = 6000) -> bench_world.Speed:
    scenario = bench_world.choose_scenario("default", rows, 1, users, 7)
    return bench_world.simulate_once(world, scenario, rows, lambda line: None)


def test_a_world_with_the_same_parameters_is_simulated_once(tmp_path: Path, builds: list[str]) -> None:
    first = simulated(World(tmp_path / "bench"))
    assert simulated(World(tmp_path / "bench")) == first
    assert builds == ["bench"]


def test_other_parameters_make_another_world(tmp_path: Path, builds: list[str]) -> None:
    world = World(tmp_path / "bench")
    simulated(world)
    simulated(world, users=7000)
    assert builds == ["bench", "bench"]


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_record_that_is_not_ours_simulates_the_world_again(tmp_path: Path, builds: list[str], text: str) -> None:
    world = World(tmp_path / "bench")
    world.root.mkdir()
    (world.root / bench_world.RECORD).write_text(text)
    simulated(world)
    assert builds == ["bench"]


@pytest.mark.usefixtures("builds")
def test_too_small_a_world_is_refused_with_the_accounts_it_needs(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"6,000 accounts made 1,000 rows, asked were 2,000: --users 12600"):
        simulated(World(tmp_path / "bench"), rows=2000)


def test_the_population_grows_with_the_rows_that_are_asked_for() -> None:
    scenario = bench_world.choose_scenario("default", 6_000_000, 7, None, 7)
    assert scenario.users * 7 * bench_world.ROWS_PER_ACCOUNT_DAY >= 6_000_000


def results(**changes: Any) -> dict[str, Any]:
    contenders = {"scoring": vars_of(**changes)}
    return {"ratios": {"scoring_to_minimal_spark": 0.5}, "contenders": contenders}


def vars_of(**changes: Any) -> dict[str, Any]:
    found = figures(**changes)
    return {name: getattr(found, name) for name in found.__slots__}


def test_the_ratio_is_printed_and_a_quiet_machine_needs_no_remark() -> None:
    assert report.remarks(results()) == ["scoring ÷ minimal_spark: 0.5"]


def test_a_busy_machine_is_remarked() -> None:
    assert "something else kept this machine busy during scoring" in report.remarks(results(other_cpu_s=2.0))[1]


def test_figures_without_a_warm_part_say_what_to_do() -> None:
    assert "give more --rows" in report.remarks(results(rows_per_s=None))[1]


def test_the_table_has_a_cell_for_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(report.COLUMNS, report.table_rows(results(rows_per_s=None)["contenders"]))
    head, scoring = capsys.readouterr().out.splitlines()
    assert len(head) == len(scoring)
    assert scoring.split() == ["scoring", "–", "80", "50", "10", "500", "0"]


def test_what_it_was_measured_with_is_written_as_json() -> None:
    assert json.loads(json.dumps(report.versions()))["pyspark"]
    assert json.loads(json.dumps(report.machine()))["cores"]
