"""Tables of the lake: what is committed counts once, whoever repeats it; a damaged log is named; worlds may move."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from contracts.tables import LAKE, SHADOW
from runtime.errors import CheckpointError, LakeError
from runtime.lake import LOG, MAX_NEW_COMMITS, batch_of, committed_files, is_table, last_number, signature, size_of
from runtime.lake.commits import Transaction, append, append_rows, create_table, replace, write_files
from runtime.lake.readers import note_snapshot
from runtime.lake.schemas import table_schema
from runtime.parquet import read_parquet
from tests.lake_rows import commit, replace_rows

ALERT = pa.table({"session_key": ["u1:5"], "withdrawn": [False]})


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "a world" / "v1" / "lake" / "alerts"


def keys(table: Path) -> list[str]:
    return [key for file in committed_files(table) for key in read_parquet(file)["session_key"].to_pylist()]


def alert(key: str) -> pa.Table:
    return pa.table({"session_key": [key], "withdrawn": [False]})


def test_a_table_that_does_not_exist_has_no_files(table: Path) -> None:
    assert committed_files(table) == []
    assert last_number(table, "sessions") == -1
    assert signature(table) is None
    assert size_of(table) == (0, 0)


def test_a_log_without_a_commit_as_a_full_disk_leaves_it_is_no_table_and_becomes_one(table: Path) -> None:
    (table / LOG).mkdir(parents=True)
    (table / LOG / f"{0:020}.json#1").touch()  # what delta-rs writes before it has a name
    assert not is_table(table)
    assert committed_files(table) == []
    assert last_number(table, "tests") == -1
    assert size_of(table) == (0, 0)
    commit(table, alert("u1:5"))
    assert is_table(table)
    assert keys(table) == ["u1:5"]


def test_a_micro_batch_counts_once_and_the_files_of_its_repetition_are_removed(table: Path) -> None:
    added = [append_rows(table, alert(f"u{n}:5"), Transaction("sessions-1", n)) for n in (0, 1, 1, 0)]
    assert added == [True, True, False, False]
    assert keys(table) == ["u0:5", "u1:5"]
    assert len(list(table.glob("*.parquet"))) == 2
    assert last_number(table, "sessions-1") == 1
    assert [batch_of(file) for file in committed_files(table)] == [0, 1]


def test_files_that_no_commit_names_do_not_count(table: Path) -> None:
    commit(table, alert("u1:5"))
    write_files(table, alert("orphan:5"))
    assert keys(table) == ["u1:5"]
    (file,) = committed_files(table)
    assert size_of(table) == (1, file.stat().st_size)


def test_another_checkpoint_is_refused_and_so_is_a_second_writer_at_the_same_time(table: Path) -> None:
    append_rows(table, alert("u1:5"), Transaction("sessions-1", 7))
    with pytest.raises(LakeError, match=r"lake/alerts was written by another checkpoint than sessions-2: .*--fresh"):
        append_rows(table, alert("u2:5"), Transaction("sessions-2", 0))
    assert keys(table) == ["u1:5"]


def test_two_commits_of_one_micro_batch_at_the_same_time_are_a_conflict_that_says_what_to_do(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(table, alert("u1:5"), 0)
    other = DeltaTable(table)
    commit(table, alert("u2:5"), 1)
    monkeypatch.setattr("runtime.lake.commits.to_write", lambda table: other)
    with pytest.raises(LakeError, match=r"another program committed to lake/alerts at the same time: .*playproof down"):
        append(table, write_files(table, alert("u2:5"), 1), Transaction("tests", 1))


def test_a_table_that_is_replaced_shows_the_new_rows_and_the_old_ones_as_of_before(tmp_path: Path) -> None:
    table = tmp_path / "account_risk"
    for users in (["a", "b"], ["c"]):
        rows = pa.table({"user_id": users})
        replace(table, write_files(table, rows), rows.schema)
    assert [read_parquet(file)["user_id"].to_pylist() for file in committed_files(table)] == [["c"]]
    before = DeltaTable(table, version=1).file_uris()
    assert [read_parquet(Path(uri))["user_id"].to_pylist() for uri in before] == [["a", "b"]]


def test_a_table_that_two_programs_replace_at_the_same_time_has_the_rows_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "account_risk"
    replace_rows(table, pa.table({"user_id": ["a"]}))
    other = DeltaTable(table)
    replace_rows(table, pa.table({"user_id": ["b"]}))
    monkeypatch.setattr("runtime.lake.commits.to_write", lambda table: other)
    with pytest.raises(LakeError, match=r"another program replaced or merged lake/account_risk .*: nothing is lost"):
        replace_rows(table, pa.table({"user_id": ["c"]}))
    assert [read_parquet(file)["user_id"].to_pylist() for file in committed_files(table)] == [["b"]]


def test_a_damaged_log_is_named(table: Path) -> None:
    for key in ("u1:5", "u2:5"):
        commit(table, alert(key))
    log = table / LOG / f"{2:020}.json"
    log.write_bytes(log.read_bytes()[:-40])
    moved = table.rename(table.with_name("copy"))  # opened for the first time
    with pytest.raises(CheckpointError, match=rf"copy/{LOG}/{log.name} is unreadable .*restore it from a copy"):
        committed_files(moved)


def test_a_moved_world_has_the_same_files(table: Path, tmp_path: Path) -> None:
    commit(table, alert("u1:5"))
    world = tmp_path / "über & (neu), 100 %"
    shutil.move(tmp_path / "a world", world)
    moved = world / "v1" / "lake" / "alerts"
    assert keys(moved) == ["u1:5"]
    commit(moved, alert("u2:5"))
    assert keys(moved) == ["u1:5", "u2:5"]
    (world / "v1" / "lake").rename(world / "v1" / "elsewhere")
    assert committed_files(moved) == []


def test_a_table_that_is_removed_and_made_again_has_nothing_of_before(table: Path) -> None:
    commit(table, alert("u1:5"))
    assert keys(table) == ["u1:5"]
    shutil.rmtree(table)
    assert (committed_files(table), last_number(table, "tests")) == ([], -1)
    commit(table, alert("u2:5"))
    assert keys(table) == ["u2:5"]


def test_a_path_that_delta_would_decode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="a%20b/alerts has an encoded character"):
        commit(tmp_path / "a%20b" / "alerts", alert("u1:5"))


def test_a_commit_does_not_read_again_what_the_log_had_before(table: Path) -> None:
    for number in range(3 * MAX_NEW_COMMITS):
        commit(table, alert(f"u{number}:5"))
    checkpoints = sorted(int(file.name.split(".")[0]) for file in (table / LOG).glob("*.checkpoint.parquet"))
    assert checkpoints == [10, 20, 30]
    assert len(keys(table)) == 3 * MAX_NEW_COMMITS


def test_a_commit_changes_the_signature(table: Path) -> None:
    commit(table, alert("u1:5"))
    before = signature(table)
    commit(table, alert("u2:5"))
    assert signature(table) not in (before, None)


def test_a_reader_that_begins_now_notes_what_there_is_once(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints" / "shadow" / "snapshot"
    create_table(table)
    assert note_snapshot(table, tmp_path / "empty") == (-1, None)
    for key in ("u1:5", "u2:5", "u3:5"):
        commit(table, alert(key))
    assert note_snapshot(table, folder, 2) == (3, folder)
    commit(table, alert("u4:5"))
    assert note_snapshot(table, folder, 2) == (3, folder)
    noted = [json.loads(line)["add"] for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]
    assert [table / line["path"] for line in noted] == committed_files(table)[:3]
    assert len(list(folder.iterdir())) == 2


def test_every_table_of_the_contract_has_a_schema_that_delta_takes(tmp_path: Path) -> None:
    for name in [*LAKE, "shadow"]:
        create_table(tmp_path / name)
        fields = [field.name for field in DeltaTable(tmp_path / name).schema().fields]
        assert fields == table_schema(name).names
        assert fields[: len(SHADOW)] == [c.name for c in SHADOW] or name != "shadow"
