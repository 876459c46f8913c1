"""Files as people have them: quotes in titles, several people, records twice, one listener in two services."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from producer.errors import HistoryError
from producer.importers.collect import COUNTED_BEFORE, DUPLICATE
from producer.importers.plain_csv import parse_map
from tests.producer.importers.conftest import Imported

Written = Callable[[str, str], Path]
EVENING = datetime(2024, 3, 1, 20, tzinfo=UTC)
HEARD_MS = 200_000


def titles(imported: Imported) -> set[str]:
    return {track["title"] for track in imported.static("tracks")}


def record(number: int, **changes: Any) -> dict[str, Any]:
    """A play of an extended export, the n-th of an evening."""
    end = EVENING + number * timedelta(milliseconds=HEARD_MS)
    play = {
        "ts": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "ms_played": HEARD_MS, "master_metadata_track_name": "Low Tide",
        "master_metadata_album_artist_name": "Glass Harbour", "spotify_track_uri": "spotify:track:abc",
    }  # fmt: skip
    return play | changes


def export(written: Written, *records: dict[str, Any], name: str = "endsong_0.json") -> Path:
    return written(name, json.dumps(records))


def test_a_lone_quote_in_a_table_with_tabs_takes_no_other_row(imported: Imported, written: Written) -> None:
    lines = [
        'user_000001\t2009-05-04T23:08:57Z\tf1b1\tGlass Harbour\t\t"Composition 0919',
        'user_000001\t2009-05-04T23:14:10Z\tf1b1\t"Weird" Ida\t\\N\tOther (Live)',
        'user_000002\t2009-05-04T23:14:10Z\tf1b1\tGlass Harbour\t\t7" Mix',
    ]
    counts = imported.add(written("userid-timestamp-artid-artname-traid-traname.tsv", "\n".join(lines)))
    assert (counts.read, counts.taken) == (3, 3)
    assert titles(imported) == {'"Composition 0919', "Other (Live)", '7" Mix'}
    assert {row["user_id"] for row in imported.rows("plays")} == {"user_000001", "user_000002"}


def test_a_lone_quote_in_a_table_with_commas_takes_no_other_row(imported: Imported, written: Written) -> None:
    lines = [
        "artist,track,date", 'Ida,"Open,2024-03-01T20:00:00Z', 'Ida,"Two\nlines, one cell",2024-03-01T20:05:00Z',
        'Ida,"Said ""so""",2024-03-01T20:10:00Z', 'Ida,"Half" so,2024-03-01T20:15:00Z',
    ]  # fmt: skip
    assert imported.add(written("scrobbles.csv", "\n".join(lines))).taken == 4
    assert titles(imported) == {'"Open', "Two\nlines, one cell", 'Said "so"', "Half so"}


@pytest.mark.parametrize(
    "lines",
    [
        ("user_id,timestamp,artist,track", "anna,2024-03-01T20:00:00Z,Ida,Low", "ben,2024-03-01T20:01:00Z,Ida,Low"),
        (",Username,Artist,Track,Date,Time", "0,anna,Ida,Low,01 Mar 2024, 20:00", "1,ben,Ida,Low,01 Mar 2024, 20:01"),
    ],
)
def test_scrobbles_of_several_accounts_are_not_one_persons(
    imported: Imported, written: Written, lines: tuple[str, ...]
) -> None:
    nobody = lines[1].replace("anna", "")
    counts = imported.add(written("scrobbles.csv", "\n".join([*lines, nobody])))
    assert counts.reasons == {"user: empty, in a file that has accounts": 1}
    plays = [(row["user_id"], row["event_time"].minute) for row in imported.rows("plays")]
    assert plays == [("anna", 0), ("ben", 1)]


def test_a_table_with_lengths_is_no_table_of_scrobbles_and_the_map_names_accounts_too(
    imported: Imported, written: Written
) -> None:
    header, line = "username,played_at,track_name,artist_name,ms_played", "anna,2024-03-01T20:00:00Z,Low,Ida,200000"
    path = written("mine.csv", f"{header}\n{line}\n")
    wanted = "event_time=played_at,title=track_name,user_id=username,artist=artist_name,listen_ms=ms_played"
    with pytest.raises(HistoryError, match=f"--map {wanted}$"):
        imported.add(path)
    assert imported.add(path, columns=parse_map(wanted)).taken == 1
    assert [(row["user_id"], row["listen_ms"]) for row in imported.rows("plays")] == [("anna", 200_000)]


def test_the_map_takes_no_length_of_a_track_in_milliseconds_for_seconds_heard(
    imported: Imported, written: Written
) -> None:
    header = "Song Name,Event End Timestamp,Media Duration In Milliseconds,Play Duration Milliseconds"
    with pytest.raises(HistoryError, match=r"listen_ms=Play Duration Milliseconds$"):
        imported.add(written("play_activity.csv", header + "\nLow,2024-03-01T20:00:00Z,1,1\n"))


def test_exports_of_two_people_in_one_folder_are_refused_unless_it_is_said_whose_they_are(
    imported: Imported, written: Written, tmp_path: Path
) -> None:
    for number, login in enumerate(("anna", "ben")):
        export(written, record(number, username=login), name=f"exports/{login}/endsong_0.json")
    with pytest.raises(HistoryError, match=r"records of 2 people \(anna, ben\): import each apart, with --user NAME"):
        imported.add(tmp_path / "exports")
    assert not imported.world.root.exists()
    assert imported.add(tmp_path / "exports", user="both").taken == 2


def test_a_record_that_an_export_repeats_counts_once(imported: Imported, written: Written) -> None:
    skip, cut = record(2, ms_played=700), record(1, ts="2024-03-01T20:07:00Z")
    records = [record(1), record(1), record(1, ip_addr="198.51.100.7"), skip, skip, cut, cut]
    counts = imported.add(export(written, *records))
    assert (counts.taken, counts.reasons) == (6, {DUPLICATE: 1})
    assert imported.add(export(written, *records, name="endsong_1.json")).taken == 0


@pytest.mark.parametrize("is_scrobbled_first", [True, False])
def test_a_play_that_was_scrobbled_as_well_counts_once_however_often_it_is_imported(
    imported: Imported, written: Written, is_scrobbled_first: bool
) -> None:
    plays = [record(number) for number in range(6)]
    starts = [EVENING + (number - 1) * timedelta(milliseconds=HEARD_MS) for number in range(6)]
    lines = [f"{int(start.timestamp()) + 2},Glass Harbour,Low Tide" for start in starts]
    scrobbles = written("scrobbles.csv", "\n".join(["uts,artist,track", *lines]))
    first, second = export(written, *plays), scrobbles
    if is_scrobbled_first:
        first, second = second, first
    assert imported.add(first).taken == 6
    for _ in range(2):
        assert imported.add(second).reasons == {COUNTED_BEFORE: 6}
    assert imported.add(first).reasons == {DUPLICATE: 6}
    assert len(imported.rows("plays")) == 6


@pytest.mark.parametrize(("text", "grain"), [("%Y-%m-%d 00:00:00", "day"), ("%Y-%m-%dT%H:00:00+05:30", "hour")])
def test_times_that_are_cut_to_the_hour_or_day_tell_of_nobody(
    imported: Imported, written: Written, text: str, grain: str
) -> None:
    days = [EVENING + timedelta(hours=23 * number) for number in range(30)]
    lines = [f"{day.strftime(text)},Low Tide,Ida,{HEARD_MS}" for day in days]
    path = written("cut.csv", "\n".join(["event_time,title,artist,listen_ms", *lines]))
    with pytest.raises(HistoryError, match=f"times in these files are cut to the {grain}: they tell no session"):
        imported.add(path)
    assert not imported.world.root.exists()


def test_times_that_are_cut_to_a_quarter_of_an_hour_leave_no_gap_to_measure(
    imported: Imported, written: Written
) -> None:
    starts = [EVENING + timedelta(minutes=15 * number) for number in range(30)]
    lines = [f"{start.strftime('%Y-%m-%dT%H:%M:%SZ')},Low Tide,Ida,{HEARD_MS}" for start in starts]
    imported.add(written("cut.csv", "\n".join(["event_time,title,artist,listen_ms", *lines])))
    assert imported.report()["precision_ms"] == 900_000
    assert {"periodicity", "minute_entropy", "gap_share_6"} <= {*imported.world.not_measurable}


def test_a_listening_time_is_no_time_of_day(imported: Imported, written: Written) -> None:
    header = "Song Title,Artist,Listening Time,Date"
    with pytest.raises(HistoryError, match=r"event_time=Date,title=Song Title,artist=Artist,listen_s=Listening Time$"):
        imported.add(written("deezer.csv", header + "\nLow,Ida,200,2024-03-01 20:00:30\n"))
