"""The import as a whole: zips, folders, a second import, and one clear line for what cannot be read."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from producer.errors import HistoryError, ReplayError
from producer.importers.files import find_files
from producer.importers.plain_csv import parse_map
from producer.importers.registry import LAYOUTS, choose
from producer.replay.attempt import check_master
from producer.replay.batches import RowReader
from tests.conftest import Playproof
from tests.producer.importers.conftest import Imported


def zipped(tmp_path: Path, folder: Path) -> Path:
    path = tmp_path / "my_spotify_data.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(folder.iterdir()):
            packed.write(file, f"Spotify Extended Streaming History/{file.name}")
    return path


def content(imported: Imported) -> dict[Path, bytes]:
    return {p.relative_to(imported.world.root): p.read_bytes() for p in imported.world.root.rglob("*.parquet")}


def test_a_zip_gives_the_same_rows_as_its_folder(imported: Imported, samples: Path, tmp_path: Path) -> None:
    imported.add(samples / "spotify_extended")
    from_folder = content(imported)
    counts = imported.add(zipped(tmp_path, samples / "spotify_extended"))
    assert counts.taken == 0
    assert content(imported) == from_folder


def test_a_second_import_adds_what_is_new_and_leaves_the_rest(imported: Imported, samples: Path) -> None:
    imported.add(samples / "spotify_basic" / "StreamingHistory0.json")
    before = imported.rows("plays")
    counts = imported.add(samples / "spotify_basic" / "StreamingHistory1.json")
    assert (counts.taken, counts.reasons["duplicate of a row already taken"]) == (1, 1)
    after = imported.rows("plays")
    assert [row for row in after if row in before] == before
    assert len(after) == len(before) + 1
    assert [entry["taken"] for entry in imported.report()["imports"]] == [3, 1]


def test_two_listeners_share_a_world_and_what_either_source_lacks_is_not_measurable(
    imported: Imported, samples: Path
) -> None:
    imported.add(samples / "spotify_extended", user="anna", timezone="Europe/Berlin")
    assert "duty" not in imported.world.not_measurable
    imported.add(samples / "spotify_basic", user="ben")
    assert "duty" in imported.world.not_measurable
    assert {u["user_id"]: u["timezone"] for u in imported.static("users")} == {"anna": "Europe/Berlin", "ben": None}


def test_raw_files_are_sorted_and_hold_one_day_each(imported: Imported, samples: Path) -> None:
    imported.add(samples / "spotify_extended")
    for path in imported.world.raw_files("plays"):
        days = {str(t.as_py().date()) for t in pq.ParquetFile(path).read()["event_time"]}
        assert days == {path.parent.name.removeprefix("date=")}
    times = [row["event_time"] for row in imported.rows("plays")]
    assert times == sorted(times)


def test_the_replay_reads_imported_rows_and_leaves_nulls_out(imported: Imported, samples: Path) -> None:
    imported.add(samples / "spotify_basic")
    reader = RowReader("plays", imported.world.raw_files("plays"))
    rows = reader.take(10)
    assert len(rows) == 4
    assert not any("country" in text or "null" in text for text in rows.texts)


def test_a_replay_takes_plays_without_any_activity_but_none_without_a_length(imported: Imported, samples: Path) -> None:
    imported.add(samples / "spotify_basic")
    check_master(imported.world, imported.world.raw_files("plays"), 4)
    imported.add(samples / "lastfm" / "recenttracks-ghan.csv")
    with pytest.raises(ReplayError, match="2 of 6 imported plays have no listen_ms"):
        check_master(imported.world, imported.world.raw_files("plays"), 6)


def test_a_simulated_world_is_never_mixed_with_real_listening(imported: Imported, samples: Path) -> None:
    (imported.world.root / "raw" / "plays").mkdir(parents=True)
    with pytest.raises(HistoryError, match="was simulated"):
        imported.add(samples / "spotify_basic")


def test_two_layouts_of_the_same_plays_are_not_both_taken(imported: Imported, samples: Path) -> None:
    with pytest.raises(HistoryError, match="choose one with --layout"):
        imported.add(samples / "spotify_basic", samples / "spotify_extended")
    counts = imported.add(samples / "spotify_basic", samples / "spotify_extended", layout="spotify-basic")
    assert counts.taken == 4


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", '[{"ms_played": 1, "ts": ', "a.json: not readable as JSON"),
        ("a.json", '{"ms_played": 1, "ts": 2}', "a.json: a JSON dict, expected a list"),
        ("a.json", '[{"colour": 1}]', "no listening history found"),
        ("a.csv", "x,y\n1,2\n", "a.csv: no layout has its columns x, y: say which is which, as in  --map event_time="),
        ("a.zip", "PK no zip", "a.zip: not a readable zip"),
        ("StreamingHistory0.json", "[]", "no play in spotify-basic of 0 records: they are empty"),
        ("s.csv", 'artist,track,date\n"a', "no play in lastfm of 1 records"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_line_and_nothing_is_written(
    imported: Imported, written: Callable[[str, str], Path], name: str, text: str, said: str
) -> None:
    with pytest.raises(HistoryError, match=said) as caught:
        imported.add(written(name, text))
    assert "\n" not in str(caught.value)
    assert not imported.world.root.exists()


def test_an_unknown_layout_names_all_that_are_known_and_what_was_seen(written: Callable[[str, str], Path]) -> None:
    with pytest.raises(HistoryError) as caught:
        choose(find_files([written("diary.json", '[{"mood": "fine"}]')]))
    assert all(name in str(caught.value) for name in LAYOUTS)
    assert "diary.json (JSON with mood)" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("event_time=when", r"lacks track_id \(or title\)"),
        ("title=song", r"lacks event_time \(or started_at\)"),
        ("event_time=when,title=song,mood=x", "no field mood"),
        ("when", "is not field=column"),
    ],
)
def test_a_map_that_lacks_something_says_what(text: str, said: str) -> None:
    with pytest.raises(HistoryError, match=said):
        parse_map(text)


def test_a_mapped_column_that_is_not_there_is_named_with_those_that_are(imported: Imported, samples: Path) -> None:
    with pytest.raises(HistoryError, match="no column 'when'; its columns are user_id, started_at"):
        imported.add(samples / "csv" / "contract.csv", columns=parse_map("event_time=when,track_id=track_id"))


def test_a_zip_that_leads_out_of_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("../../endsong_0.json", "[]")
    with pytest.raises(HistoryError, match="leads out of the zip"):
        find_files([path])


def test_the_command_prints_a_table_and_one_line_on_errors(
    samples: Path, tmp_path: Path, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    imported = playproof("import", str(samples / "spotify_basic"), "--world", "me")
    assert imported.exit_code == 0
    assert "rejected: duplicate of a row already taken" in imported.out
    missing = playproof("import", str(tmp_path / "nothing.zip"), "--world", "me")
    assert missing.error.startswith("error: no such file or folder")
    assert "no zone 'Mars/Base'" in playproof("import", str(samples / "spotify_basic"), "--timezone", "Mars/Base").error


def test_in_one_file_every_row_counts_however_coarse_its_times_and_the_file_again_adds_nothing(
    imported: Imported, tmp_path: Path
) -> None:
    log = tmp_path / "log.csv"
    loop = "anna,2024-03-01 12:15,One Song,Band,60000\n" * 7
    log.write_text(f"user_id,event_time,title,artist,listen_ms\n{loop},2024-03-01 12:15,One Song,Band,60000\n")
    counts = imported.add(log)
    assert (counts.taken, counts.reasons["user_id: empty, in a file that has accounts"]) == (7, 1)
    assert imported.add(log).taken == 0
    assert len(imported.rows("plays")) == 7


def test_what_another_layout_told_of_already_counts_once(imported: Imported, tmp_path: Path) -> None:
    exact, coarse = tmp_path / "exact.csv", tmp_path / "StreamingHistory0.json"
    exact.write_text(
        "event_time,track_id,title,artist,listen_ms\n"
        "2024-03-01 12:15:42,t1,Song,Band,60000\n2024-03-01 12:30:10,t2,Other,Band,60000\n"
    )
    coarse.write_text(
        '[{"endTime": "2024-03-01 12:15", "artistName": "Band", "trackName": "Song", "msPlayed": 60000},'
        ' {"endTime": "2024-03-01 12:45", "artistName": "Band", "trackName": "Song", "msPlayed": 60000}]'
    )
    imported.add(exact)
    counts = imported.add(coarse)
    assert (counts.taken, counts.reasons["counted already from another layout"]) == (1, 1)
    assert len(imported.rows("plays")) == 3


def test_a_time_zone_that_is_given_at_a_second_import_is_taken(imported: Imported, samples: Path) -> None:
    imported.add(samples / "spotify_basic", user="anna", timezone="UTC")
    assert imported.add(samples / "spotify_basic", user="anna", timezone="Europe/Berlin").taken == 0
    assert [user["timezone"] for user in imported.static("users")] == ["Europe/Berlin"]


def test_a_pipe_is_refused_as_a_file_is_read_more_than_once(imported: Imported, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "plays.csv")
    with pytest.raises(HistoryError, match="no file and no folder: write what it gives into a file first"):
        imported.add(tmp_path / "plays.csv")


def test_a_number_of_five_thousand_digits_is_a_bad_row(imported: Imported, written: Callable[[str, str], Path]) -> None:
    header = "ts,ms_played,master_metadata_track_name"
    lines = (header, f"2024-01-01T00:00:00Z,{'9' * 5000},song", "2024-01-01T00:10:00Z,31000,song", "")
    counts = imported.add(written("plays.csv", "\n".join(lines)))
    assert (counts.read, counts.taken) == (2, 1)
