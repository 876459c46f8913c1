"""Two worlds compared: the same ones are the same, and each difference is named."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ops.errors import OpsError
from ops.tools.compare_runs import compare_worlds, main
from runtime.world import World

SESSIONS: list[dict[str, Any]] = [
    {"session_key": "u1:1", "plays": 2.0, "gap_memory": None, "reasons": [{"feature": "plays", "contribution": 0.5}],
     "track_counts": [{"track_id": "a", "streams": 1}, {"track_id": "b", "streams": 2}], "scored_at": 5, "ts": 1},
    {"session_key": "u2:7", "plays": 1.0, "gap_memory": 0.5, "reasons": [],
     "track_counts": [], "scored_at": 6, "ts": 1},
]  # fmt: skip


def write_world(root: Path, sessions: list[dict[str, Any]], raw: bytes = b"rows") -> World:
    world = World(root)
    raw_file = world.raw("plays") / "date=2026-03-01" / "part.parquet"
    raw_file.parent.mkdir(parents=True)
    raw_file.write_bytes(raw)
    folder = world.from_raw("scored_sessions")
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(sessions), folder / "part.parquet")
    return world


def differences(tmp_path: Path, sessions: list[dict[str, Any]], raw: bytes = b"rows") -> list[str]:
    worlds = write_world(tmp_path / "a", SESSIONS), write_world(tmp_path / "b", sessions, raw)
    return [difference for part in compare_worlds(*worlds) for difference in part.differences]


def test_rows_in_another_order_and_times_of_the_run_are_no_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = [{**row, "scored_at": 99, "ts": 7} for row in reversed(SESSIONS)]
    other[1]["track_counts"] = other[1]["track_counts"][::-1]
    assert differences(tmp_path, other) == []
    assert main([str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "scored_sessions: 2 rows with the same key, 5 columns compared",
        "the same",
    ]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"plays": 2.0000000000000004}, "plays"),
        ({"gap_memory": 0.0}, "gap_memory"),
        ({"reasons": [{"feature": "hours", "contribution": 0.5}]}, "reasons"),
        ({"track_counts": [{"track_id": "a", "streams": 1}]}, "track_counts"),
    ],
)
def test_one_other_value_is_a_difference_with_its_column_and_row(
    tmp_path: Path, change: dict[str, Any], column: str
) -> None:
    (difference,) = differences(tmp_path, [SESSIONS[0] | change, SESSIONS[1]])
    assert difference.startswith(f"scored_sessions.{column}: 1 rows differ, such as u1:1: ")


def test_a_session_that_one_world_lacks_or_has_twice_is_a_difference(tmp_path: Path) -> None:
    assert differences(tmp_path / "lacks", SESSIONS[:1]) == [
        "scored_sessions has 1 rows that are only in A, such as u2:7"
    ]
    assert differences(tmp_path / "twice", [*SESSIONS, SESSIONS[0]]) == [
        "scored_sessions has 1 rows with the key of another row in B"
    ]


def test_a_file_with_another_byte_is_a_difference_with_both_hashes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (difference,) = differences(tmp_path, SESSIONS, raw=b"rowz")
    assert difference.startswith("raw/plays/date=2026-03-01/part.parquet: SHA-256 ")
    assert main([str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    assert capsys.readouterr().out.endswith("DIFFERENT\n")


def test_a_table_that_only_one_world_has_is_a_difference(tmp_path: Path) -> None:
    a, b = write_world(tmp_path / "a", SESSIONS), write_world(tmp_path / "b", SESSIONS)
    (b.from_raw("scored_sessions") / "part.parquet").unlink()
    assert [d for part in compare_worlds(a, b) for d in part.differences] == ["scored_sessions is missing in B"]


def test_folders_that_are_no_worlds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="nothing to compare"):
        compare_worlds(World(tmp_path / "x"), World(tmp_path / "y"))
    assert main([str(tmp_path)]) == 2
