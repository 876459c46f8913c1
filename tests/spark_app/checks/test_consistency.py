"""The guard: a unit whose checkpoints, output and code do not fit stops the job with one line that says the cure."""

import json
import shutil
import time
from pathlib import Path

import pyarrow as pa
import pytest

from models.risk.suspicion import MEMORY
from runtime.checkpoint import METADATA, STATE_FILE, clock_ahead_ms
from runtime.lake import LOG
from runtime.lake.commits import Transaction, append_rows
from runtime.lake.upkeep import keep_up
from runtime.units import MINUTE_MS
from runtime.world import Unit
from spark_app.checks import consistency
from spark_app.errors import StateError
from spark_app.queries import alerts, archive, sessions
from spark_app.stages.session_step import packed_rows
from spark_app.stages.sessions import session_rows
from tests import lake_rows

PARTITIONS = 2
ROWS = pa.table({"user_id": ["u1"]})


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """A unit that has run: both guarded queries have committed, and have output."""
    unit = Unit(tmp_path / "v1")
    consistency.check_unit(unit, PARTITIONS)
    for query in consistency.OUTPUT:
        commits = unit.checkpoints / query / "commits"
        commits.mkdir(parents=True)
        (commits / "0").write_text("v1\n{}")
        lake_rows.commit(unit.table(consistency.OUTPUT[query]), ROWS)
    return unit


def refused(unit: Unit, partitions: int = PARTITIONS, clock_ahead: int = 5) -> str:
    """Return the one line with which the guard refuses a unit."""
    with pytest.raises(StateError) as caught:
        consistency.check_unit(unit, partitions, clock_ahead)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(("playproof up --reread", "it begins with the oldest session again"))
    return message


def plan(unit: Unit, query: str, last: int) -> None:
    """Write a query's checkpoint up to a micro-batch, which is done."""
    checkpoint = unit.checkpoints / query
    for log, lines in (("offsets", '{"batchWatermarkMs":0}\n{"plays":{"0":3}}'), ("commits", "{}")):
        (checkpoint / log).mkdir(parents=True, exist_ok=True)
        (checkpoint / log / str(last)).write_text(f"v1\n{lines}")
    (checkpoint / METADATA).write_text('{"id":"1"}')


def read_commits(unit: Unit, *versions: int) -> None:
    """Write the log of what query `scores` has read: commits of the sessions."""
    log = unit.checkpoints / "scores" / "sources" / "0" / "0"
    log.parent.mkdir(parents=True, exist_ok=True)
    paths = [f"file:///elsewhere/v1/lake/sessions/{LOG}/{version:020}.json" for version in versions]
    log.write_text("\n".join(["v1", *(json.dumps({"path": path, "timestamp": 1, "batchId": 0}) for path in paths)]))


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


@pytest.mark.parametrize(
    ("query", "table"),
    [
        *((query, table) for query, tables in consistency.WRITTEN.items() for table in tables),
        ("rule_hits", "rule_hits"),
    ],
)
def test_a_table_that_was_copied_later_than_the_checkpoint_of_its_query_is_refused(
    unit: Unit, query: str, table: str
) -> None:
    plan(unit, query, 3)
    shutil.rmtree(unit.table(table), ignore_errors=True)  # of the fixture
    lake_rows.commit(unit.table(table), ROWS, batch=7, writer=f"{query}-1")
    assert f"lake/{table} has micro-batch 7 of query {query}, and checkpoints/{query} ends with 3: " in refused(unit)
    plan(unit, query, 7)
    consistency.check_unit(unit, PARTITIONS)
    shutil.rmtree(unit.checkpoints / query / "offsets")
    assert f"lake/{table} has micro-batch 7 of query {query}, and checkpoints/{query} has none: " in refused(unit)


def test_the_tables_of_a_query_are_those_that_it_writes() -> None:
    assert consistency.WRITTEN == {sessions.NAME: (sessions.NAME, alerts.NAME), archive.NAME: archive.TABLES}


def test_a_challenger_of_two_moments_is_refused_by_its_query_and_not_by_the_job(unit: Unit) -> None:
    query = "shadow/candidate-1"
    plan(unit, query, 3)
    append_rows(unit.table(query), ROWS, Transaction(f"{query}-1", 7), "shadow")
    consistency.check_unit(unit, PARTITIONS)
    with pytest.raises(StateError, match=f"lake/{query} has micro-batch 7 of .* ends with 3: .* or delete both$"):
        consistency.check_numbers(unit, query, "delete both")


def test_sessions_that_lack_commits_that_a_report_has_read_are_refused(unit: Unit) -> None:
    read_commits(unit, 0, 1)
    consistency.check_unit(unit, PARTITIONS)
    read_commits(unit, 1, 2)
    assert "query scores has read commit 2 of lake/sessions, and the newest there is 1: " in refused(unit)


def test_a_report_that_has_not_read_what_was_cut_from_the_log_is_refused(unit: Unit) -> None:
    for _ in range(3):
        lake_rows.commit(unit.table("sessions"), ROWS)
    keep_up(unit.table("sessions"), now=time.time() + 120)
    oldest = min(int(file.stem) for file in (unit.table("sessions") / LOG).glob("*.json"))
    read_commits(unit, 0, oldest - 2)
    refusal = f"query scores has read lake/sessions up to commit {oldest - 2}, and the log there begins with {oldest}: "
    assert refusal in refused(unit)
    read_commits(unit, 0, oldest - 1)
    consistency.check_unit(unit, PARTITIONS)


def test_a_table_of_which_a_full_disk_left_an_empty_log_is_made_by_the_job(unit: Unit) -> None:
    (unit.table("alerts") / LOG).mkdir(parents=True)
    consistency.check_unit(unit, PARTITIONS)
    lake_rows.commit(unit.table("alerts"), ROWS)
    consistency.check_unit(unit, PARTITIONS)


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
