"""ListenBrainz: the export of a user, the dumps of everybody, and lines that are no listens."""

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from contracts.measurable import SOURCE_PATTERNS
from producer.errors import HistoryError
from producer.importers.layout import NO_TRACK
from producer.importers.run import print_counts
from tests.producer.importers.conftest import Imported

HOUR = 1_700_000_000


def listen(at: object, title: object = "Low Tide", **more: object) -> str:
    about = {"artist_name": "Glass Harbour", "track_name": title, "release_name": "Shore", "additional_info": None}
    return orjson.dumps({"listened_at": at, "track_metadata": about | more, "inserted_at": at}).decode()


def exported(path: Path, name: str, *lines: str) -> Path:
    """Write the zip of a user: `user.json`, the listens of a month, and what is no listen."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("user.json", orjson.dumps({"user_id": 7, "username": name}))
        packed.writestr("listens/2023/11.jsonl", "\n".join(lines) + "\n")
        packed.writestr("feedback.jsonl", '{"recording_msid": "a", "score": 1, "created": 1700000000}\n')
    return path


def test_the_zip_of_a_user_has_starts_to_the_second_and_the_name_of_its_owner(
    imported: Imported, tmp_path: Path
) -> None:
    info = {"additional_info": {"duration_ms": 183_000, "recording_mbid": "m-1", "media_player": "Foo"}}
    ida = exported(
        tmp_path / "ida's export.zip", "ida", listen(HOUR, **info), "", listen(f"{HOUR + 240}.000000", "Ebb")
    )
    ben = exported(tmp_path / "ben.zip", "ben", listen(float(HOUR + 60)))
    counts = imported.add(ida, ben, timezone="Europe/Berlin")
    assert (counts.read, counts.taken) == (3, 3)
    rows = imported.rows("plays")
    assert [(row["user_id"], row["event_time"]) for row in rows] == [
        (name, datetime.fromtimestamp(HOUR + later, UTC)) for name, later in (("ida", 0), ("ben", 60), ("ida", 240))
    ]
    assert all(row["listen_ms"] is None and row["device_id"] is None for row in rows)
    lengths = {track["title"]: track["duration_ms"] for track in imported.static("tracks")}
    assert lengths == {"Low Tide": 183_000, "Ebb": None}
    # what it cannot tell is what scrobbles cannot, but for the lengths of tracks
    assert set(imported.world.not_measurable) <= SOURCE_PATTERNS["scrobbles"]
    assert {"streams", "hours", "overlap_s"} <= set(imported.world.not_measurable)
    assert not {"gap_entropy", "night_share"} & set(imported.world.not_measurable)
    assert imported.report()["imports"][0]["passed_over"] == [
        f"{name}/{file}" for name in ("ida's export.zip", "ben.zip") for file in ("feedback.jsonl", "user.json")
    ]


def test_a_dump_names_the_account_in_each_line_and_one_without_is_refused(
    imported: Imported, written: Callable[[str, str], Path]
) -> None:
    lines = [listen(HOUR + number)[:-1] + f',"user_name":"{name}"}}' for number, name in enumerate(("ida", "ben", ""))]
    dump = written("dump/listens/2023/11.listens", "\n".join(lines))
    counts = imported.add(dump.parents[2])
    assert [row["user_id"] for row in imported.rows("plays")] == ["ida", "ben"]
    assert counts.reasons == {"user_name: empty, in a file that has accounts": 1}


def test_a_name_that_a_client_wrote_into_a_listen_is_not_the_account(imported: Imported, tmp_path: Path) -> None:
    imported.add(exported(tmp_path / "ida.zip", "ida", listen(HOUR, additional_info={"user_name": "someone"})))
    assert [row["user_id"] for row in imported.rows("plays")] == ["ida"]


def test_a_zip_that_is_damaged_in_the_middle_is_refused_in_one_line(imported: Imported, tmp_path: Path) -> None:
    damaged = exported(tmp_path / "ida.zip", "ida", *(listen(HOUR + 240 * number) for number in range(3000)))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0x01
    damaged.write_bytes(content)
    with pytest.raises(HistoryError, match=r"ida.zip/listens/2023/11.jsonl: cannot be read \(Bad CRC-32"):
        imported.add(damaged)


def test_an_older_export_is_one_list_and_may_be_imported_next_to_a_newer_one(
    imported: Imported, written: Callable[[str, str], Path], tmp_path: Path
) -> None:
    imported.add(written("ida_lb-2023-12-01.json", f"[{listen(HOUR)},{listen(HOUR + 300)}]"), user="ida")
    counts = imported.add(exported(tmp_path / "new.zip", "ida", listen(HOUR + 300), listen(HOUR + 600)))
    assert (counts.taken, len(imported.rows("plays"))) == (1, 3)


def test_bad_lines_are_named_with_their_file_and_line(
    imported: Imported, written: Callable[[str, str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        listen(HOUR), "", listen(None), '{"listened_at": 17000', listen(HOUR + 9, title=" "), '{"listened_at": 1}',
        "[]", listen(True), listen("soon"), listen(500_000_000), listen(9_999_999_999),
    ]  # fmt: skip
    counts = imported.add(written("a b/11.jsonl", "\n".join(lines)))
    no_time = "listened_at: no Unix seconds (a track still playing has none)"
    assert counts.reasons == {
        no_time: 3, "line: not JSON": 1, NO_TRACK: 1, "not a listen with track_metadata": 2,
        "event_time: before the year 2000": 1, "event_time: in the future": 1,
    }  # fmt: skip
    assert counts.first_at[no_time] == "11.jsonl, line 3"
    assert counts.first_at["line: not JSON"] == "11.jsonl, line 4"
    assert counts.first_at["event_time: before the year 2000"] == "11.jsonl, line 10"
    assert imported.report()["imports"][0]["first_at"] == counts.first_at
    print_counts(counts, imported.world)
    printed = capsys.readouterr().out
    assert f"first 11.jsonl, line 3: {no_time}" in printed
    assert "at 11.jsonl, line 4: line: not JSON" in printed


def test_a_play_id_that_is_mapped_names_the_play(imported: Imported, written: Callable[[str, str], Path]) -> None:
    text = "id,who,when,song\n1,anna,2024-02-03 09:00,Ebb\n2,anna,2024-02-03 09:00,Ebb\n2,anna,2024-02-03 09:00,Ebb\n"
    columns = {"play_id": "id", "user_id": "who", "event_time": "when", "title": "song"}
    counts = imported.add(written("anna.csv", text), columns=columns)
    # the second and third line are one play by their id; without ids they would be three
    assert counts.taken == 2
    again = imported.add(written("all.csv", text + "1,ben,2024-02-03 09:00,Ebb\n"), columns=columns)
    assert again.taken == 1
    assert {row["user_id"] for row in imported.rows("plays")} == {"anna", "ben"}
    assert again.first_at == {"duplicate of a row already taken": "all.csv, record 1"}
