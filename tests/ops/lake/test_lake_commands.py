"""The commands of the lake, as a user types them."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from runtime.lake.moments import versions
from runtime.world import World
from tests.conftest import Playproof
from tests.lake_rows import commit


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path / "my data"))
    monkeypatch.setenv("PLAYPROOF_TIME_ZONE", "UTC")
    made = World(tmp_path / "my data" / "w")
    (made.root / "raw").mkdir(parents=True)
    for number in range(4):
        rows = pa.table({"session_key": [f"u:{number}"], "ended_at": pa.array([0], pa.timestamp("us", "UTC"))})
        commit(made.unit.table("sessions"), rows)
    commit(
        made.unit.table("alerts"),
        pa.table({"session_key": ["u:0"], "looked_at": pa.array([0], pa.timestamp("us", "UTC"))}),
    )
    return made


def test_tables_are_shown_compacted_exported_and_expired(world: World, playproof: Playproof, tmp_path: Path) -> None:
    shown = playproof("lake", "show", "--world", "w").out.splitlines()
    assert shown[0].split()[:3] == ["table", "rows", "files"]
    assert [line.split()[:3] for line in shown[1:]] == [["alerts", "1", "1"], ["sessions", "4", "4"]]
    assert "3 files merged" in playproof("lake", "compact", "sessions", "--world", "w").out
    assert playproof("lake", "show", "--world", "w").out.splitlines()[2].split()[:3] == ["sessions", "4", "2"]
    out = playproof("lake", "export", "sessions", "--out", str(tmp_path / "out"), "--world", "w").out
    assert out.startswith("2 files in ")
    assert "is not empty" in playproof("lake", "export", "sessions", "--out", str(tmp_path / "out"), "--world", "w").err
    expire = ("lake", "expire", "sessions", "--days", "30", "--world", "w")
    assert playproof(*expire).out.endswith("would be removed\nnothing was removed: add  --remove\n")
    assert playproof("lake", "show", "sessions", "--world", "w").out.splitlines()[1].split()[1] == "4"
    assert "4 rows of before" in playproof(*expire, "--remove").out
    assert playproof("lake", "show", "sessions", "--world", "w").out.splitlines()[1].split()[:3] == [
        "sessions",
        "0",
        "0",
    ]
    assert "0 files would be removed" in playproof("lake", "vacuum", "--world", "w").out
    assert "0 files removed" in playproof("lake", "vacuum", "--remove", "--world", "w").out


def test_a_table_is_shown_as_it_was(world: World, playproof: Playproof) -> None:
    first = versions(world.unit.table("sessions"))[1].at
    at = f"{first + timedelta(seconds=1):%Y-%m-%d %H:%M:%S}"
    before = f"{first - timedelta(days=1):%Y-%m-%d %H:%M}"
    assert "as of" in playproof("lake", "show", "--at", at, "--world", "w").out
    assert (
        f"lake/sessions has no version of {before} UTC" in playproof("lake", "show", "--at", before, "--world", "w").out
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "--at", "noon"), "--at 'noon' is no time: write it as"),
        (("show", "plais"), "the lake of world w has no table plais: it has alerts, sessions"),
        (("expire",), "no table has a number of days: give  --days N"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    world: World, playproof: Playproof, arguments: tuple[str, ...], message: str
) -> None:
    result = playproof("lake", *arguments, "--world", "w")
    assert result.exit_code == 1
    assert message in result.err


def test_a_table_is_read_by_other_tools_as_the_docs_say(world: World) -> None:
    table = DeltaTable(world.unit.table("sessions"))
    assert sorted(table.to_pandas()["session_key"]) == ["u:0", "u:1", "u:2", "u:3"]
    assert table.to_pyarrow_table().num_rows == 4
