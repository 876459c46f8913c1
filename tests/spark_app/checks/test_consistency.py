"""The guard: a unit whose checkpoints, output and code do not fit stops the job with one line that says the cure."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from models.risk.suspicion import MEMORY
from runtime.checkpoint import STATE_FILE, clock_ahead_ms
from runtime.lake import LOG
from runtime.units import MINUTE_MS
from runtime.world import Unit
from spark_app.checks import consistency
from spark_app.errors import StateError
from spark_app.stages.session_step import packed_rows
from spark_app.stages.sessions import session_rows
from tests import lake_rows

PARTITIONS = 2


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """A unit that has run: both guarded queries have committed, and have output."""
    unit = Unit(tmp_path / "v1")
    consistency.check_unit(unit, PARTITIONS)
    for query in consistency.OUTPUT:
        commits = unit.checkpoints / query / "commits"
        commits.mkdir(parents=True)
        (commits / "0").write_text("v1\n{}")
        lake_rows.commit(unit.table(consistency.OUTPUT[query]), pa.table({"user_id": ["u1"]}))
    return unit


def refused(unit: Unit, partitions: int = PARTITIONS, clock_ahead: int = 5) -> str:
    """Return the one line with which the guard refuses a unit."""
    with pytest.raises(StateError) as caught:
        consistency.check_unit(unit, partitions, clock_ahead)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith("playproof up --reread")
    return message


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def test_a_fresh_unit_passes_and_notes_its_state(tmp_path: Path) -> None:
    unit = Unit(tmp_path / "v1")
    consistency.check_unit(unit, PARTITIONS)
    assert json.loads((unit.checkpoints / STATE_FILE).read_text()) == consistency.state_of(PARTITIONS, 5)


def test_a_unit_that_has_run_passes_again(unit: Unit) -> None:
    consistency.check_unit(unit, PARTITIONS)
    consistency.check_unit(unit, PARTITIONS)


def test_a_unit_that_stopped_before_its_first_commit_passes(unit: Unit) -> None:
    for query, table in consistency.OUTPUT.items():
        (unit.checkpoints / query / "commits" / "0").unlink()
        remove(unit.table(table))
    consistency.check_unit(unit, PARTITIONS)


def test_other_partitions_are_refused_with_both_numbers(unit: Unit) -> None:
    assert "partitions was 2, is 3" in refused(unit, partitions=3)


def test_another_limit_of_the_clocks_is_refused_and_the_first_one_is_noted(unit: Unit) -> None:
    assert "clock_ahead_minutes was 5, is 60" in refused(unit, clock_ahead=60)
    assert clock_ahead_ms(unit, minutes=60) == 5 * MINUTE_MS


def test_what_looks_leave_behind_has_the_form_that_checkpoints_have() -> None:
    """The guard does not look inside of the column `looks`: another form needs another `packed_rows.VERSION`."""
    form = "user <i8, first_event_ms <i8, at_ms <i8, before <f4, after <f4, alerted |b1"
    assert ", ".join(f"{name} {MEMORY[name].str}" for name in MEMORY.names or ()) == form
    assert packed_rows.VERSION == b"1"


def test_another_session_struct_is_refused(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_rows, "ITEM_DDL", session_rows.ITEM_DDL + ", surprise string")
    assert "session_struct was" in refused(unit)


def test_another_cut_is_refused(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_rows, "CUT_MS", session_rows.CUT_MS * 2)
    assert "session_struct was" in refused(unit)


@pytest.mark.parametrize(("query", "table"), consistency.OUTPUT.items())
def test_a_checkpoint_without_its_output_is_refused(unit: Unit, query: str, table: str) -> None:
    remove(unit.table(table))
    assert f"query {query} has a checkpoint but lake/{table} has no output" in refused(unit)


@pytest.mark.parametrize(("query", "table"), consistency.OUTPUT.items())
def test_output_without_its_checkpoint_is_refused(unit: Unit, query: str, table: str) -> None:
    remove(unit.checkpoints / query)
    assert f"lake/{table} has output but query {query} has no checkpoint" in refused(unit)


@pytest.mark.parametrize("content", [b"", b"\x00garbage\xff", b"v2\n{}"])
@pytest.mark.parametrize("name", ["metadata", "offsets/1", "commits/1"])
def test_an_unreadable_file_of_a_checkpoint_is_named_and_left_alone(unit: Unit, name: str, content: bytes) -> None:
    file = unit.checkpoints / "sessions" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    assert f"checkpoints/sessions/{name} is unreadable" in refused(unit)
    assert file.read_bytes() == content


def test_a_damaged_log_of_a_table_is_refused(unit: Unit) -> None:
    log = unit.table("sessions") / LOG / f"{1:020}.json"
    log.write_bytes(log.read_bytes()[:90])
    assert f"sessions/{LOG}/{log.name} is unreadable" in refused(unit)


def test_a_unit_whose_tables_an_older_version_wrote_is_refused(unit: Unit) -> None:
    state = consistency.state_of(PARTITIONS, 5)
    (unit.checkpoints / STATE_FILE).write_text(json.dumps({key: state[key] for key in state if key != "tables"}))
    assert "tables was None, is delta" in refused(unit)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '"x"', b"\xff\xfe"])
def test_an_unreadable_state_file_is_refused(unit: Unit, text: str | bytes) -> None:
    (unit.checkpoints / STATE_FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert "STATE.json is unreadable" in refused(unit)


def test_a_state_file_of_another_version_is_refused(unit: Unit) -> None:
    (unit.checkpoints / STATE_FILE).write_text('{"partitions": 2}')
    assert "session_struct was None" in refused(unit)
