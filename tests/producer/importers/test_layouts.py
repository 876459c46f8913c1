"""Every documented layout: what is taken, what is mended, what is refused and why; what it cannot know is null."""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import FIELDS
from ops.reconcile.row_rules import check_rows
from producer.errors import HistoryError
from producer.importers import plain_csv, spotify_basic, spotify_extended
from producer.importers.collect import DUPLICATE, Collector
from producer.importers.layout import NO_TRACK, PODCAST, BadRow, Options, Row
from producer.importers.plain_csv import parse_map
from runtime.event_text import format_time
from tests.producer.importers.conftest import Imported

BAD_LENGTH = "listen_ms: expected whole milliseconds, at most 8 digits"


QUICKLY = settings(max_examples=50)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def known(row: dict[str, Any]) -> set[str]:
    """The fields of a row that are not null."""
    return {name for name, value in row.items() if value is not None}


def test_spotify_basic_has_plays_to_the_minute_and_nothing_else(imported: Imported, samples: Path) -> None:
    counts = imported.add(samples / "spotify_basic", timezone="Europe/Berlin")
    assert (counts.read, counts.taken) == (9, 4)
    assert counts.reasons == {
        NO_TRACK: 2, PODCAST: 1, DUPLICATE: 1, "endTime: not a time like 2023-01-02 13:45": 1,
    }  # fmt: skip
    rows = imported.rows("plays")
    assert [(row["event_time"], row["listen_ms"]) for row in rows][2:] == [
        (at("2023-01-02T13:49"), 232_001), (at("2023-01-04T09:00"), 61_000),
    ]  # fmt: skip
    assert all(known(row) == {"play_id", "user_id", "event_time", "track_id", "listen_ms"} for row in rows)
    assert {(t["title"], t["artist"]) for t in imported.static("tracks")} == {
        ("Low Tide", "Glass Harbour"), ("Breakwater", "Glass Harbour"), ('Ünder "Glass"', "Ida & the Owls"),
    }  # fmt: skip
    assert imported.static("users")[0]["timezone"] == "Europe/Berlin"
    assert {"gap_entropy", "overlap_s", "interaction_rate", "license_cnt"} <= set(imported.world.not_measurable)
    assert imported.report()["imports"][0]["passed_over"] == ["Userdata.json"]


def test_spotify_extended_of_two_ages_tells_of_each_play_once(imported: Imported, samples: Path) -> None:
    counts = imported.add(samples / "spotify_extended")
    # the same play stands in both files, with another ip, platform and unit of offline_timestamp
    assert counts.reasons == {PODCAST: 1, NO_TRACK: 1, BAD_LENGTH: 1, "not an object": 1, DUPLICATE: 1}
    assert counts.fixed == 2
    assert counts.fixes == {
        "conn_country ZZ to null": 1, "reason_start popup to unknown": 1,
        "reason_end unexpected-exit-while-paused to unexpected-exit": 1,
    }  # fmt: skip
    oldest, middle, newest = imported.rows("plays")
    assert (oldest["reason_end"], oldest["country"], oldest["shuffle"]) == (None, None, None)
    assert middle["event_time"] == at("2021-07-10T16:07:56")
    assert (middle["track_id"], middle["shuffle"]) == ("0000000000000000000001", False)
    assert [row["device_type"] for row in (oldest, middle, newest)] == ["desktop", "mobile", "web"]
    assert all(
        row[name] is None for row in (oldest, middle, newest) for name in ("device_id", "network", "context_type")
    )
    assert imported.static("tracks")[0]["duration_ms"] is None
    assert not set(imported.world.not_measurable) & {"gap_entropy", "duty"}


@pytest.mark.parametrize(
    "name", ["lastfm-to-csv.csv", "recenttracks-ghan.csv", "lastfmstats-ida.csv", "lastfm-backup.csv"]
)
def test_a_scrobble_is_a_start_and_how_long_it_was_heard_stays_unknown(
    imported: Imported, samples: Path, name: str
) -> None:
    imported.add(samples / "lastfm" / name)
    first, second = imported.rows("plays")
    assert (first["event_time"].minute, second["event_time"].minute) == (51, 55)
    assert known(second) == {"play_id", "user_id", "event_time", "track_id"}
    assert first["user_id"] == ("ida" if "stats" in name else "listener")
    assert "Glass Harbour" in {track["artist"] for track in imported.static("tracks")}


def test_scrobbles_without_title_time_or_clock_are_refused(imported: Imported, samples: Path) -> None:
    counts = imported.add(samples / "lastfm" / "lastfm-to-csv.csv")
    assert counts.reasons == {
        NO_TRACK: 1, "date: not a time (a track still playing has none)": 1, "event_time: before the year 2000": 1,
        "line: too few columns": 1,
    }  # fmt: skip


def test_eventsim_pages_are_plays_and_client_actions(imported: Imported, samples: Path) -> None:
    counts = imported.add(samples / "eventsim")
    assert counts.reasons == {
        "no userId: logged out": 1, NO_TRACK: 1, "page Roll Advert: no client action": 1, "line: not JSON": 1,
    }  # fmt: skip
    (play,) = imported.rows("plays")
    assert (play["user_id"], play["session_id"], play["listen_ms"], play["device_type"]) == ("30", "29", None, "mobile")
    assert [(row["user_id"], row["action"]) for row in imported.rows("activity")] == [("30", "like"), ("9", "end")]
    assert imported.static("tracks")[0]["duration_ms"] == 277_890
    by_user = {user["user_id"]: (user["plan"], user["signed_up_on"]) for user in imported.static("users")}
    assert by_user == {"30": ("premium", date(2018, 9, 28)), "9": ("free", date(2018, 9, 30))}
    assert {"interaction_rate", "license_cnt"} <= set(imported.world.not_measurable)


def test_a_plain_csv_is_read_by_its_map(imported: Imported, samples: Path) -> None:
    columns = parse_map("user_id=listener,event_time=when,title=song,artist=band,listen_ms=heard,reason_end=how")
    counts = imported.add(samples / "csv" / "log.csv", columns=columns)
    assert counts.reasons == {NO_TRACK: 1, "event_time: not a time": 1, "a length is not a number": 1}
    assert counts.fixes == {"reason_end somehow to null": 1}
    names = ("user_id", "event_time", "listen_ms", "reason_end")
    assert [tuple(row[name] for name in names) for row in imported.rows("plays")] == [
        ("anna", at("2024-02-03T09:00:30"), 200_000, "trackdone"),
        ("ben", at("2024-02-03T09:05:00"), 31_000, None),
        ("anna", at("2024-02-03T09:05:00.250"), None, None),
    ]


def test_a_csv_in_the_contracts_words_needs_no_map_and_a_start_becomes_an_end(
    imported: Imported, samples: Path
) -> None:
    imported.add(samples / "csv" / "contract.csv")
    (row,) = imported.rows("plays")
    assert (row["event_time"], row["country"]) == (at("2024-02-03T10:01"), "DE")


def test_rows_with_a_length_pass_the_row_rules_of_the_stream(imported: Imported, samples: Path) -> None:
    imported.add(samples / "spotify_extended")
    for row in imported.rows("plays"):
        event_ms = int(row["event_time"].timestamp() * 1000)
        sent = {k: v if v is None else str(v) for k, v in row.items()} | {"event_time": format_time(event_ms)}
        assert check_rows("plays", [sent], np.array([event_ms]))[0].all()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
BASIC = st.fixed_dictionaries({}, optional={
    "endTime": anything | st.just("2023-01-02 13:45"), "artistName": anything, "trackName": anything | st.just("x"),
    "msPlayed": anything, "podcastName": anything,
})  # fmt: skip
EXTENDED = st.fixed_dictionaries({}, optional={
    "ts": anything | st.just("2023-01-02T13:45:10Z"), "ms_played": anything,
    "master_metadata_track_name": anything | st.just("x"), "master_metadata_album_artist_name": anything,
    "spotify_track_uri": anything | st.just("spotify:track:1"), "reason_start": anything, "reason_end": anything,
    "shuffle": anything, "platform": anything, "conn_country": anything, "episode_name": anything,
})  # fmt: skip


@QUICKLY
@given(st.lists(st.tuples(st.just(spotify_basic), BASIC) | st.tuples(st.just(spotify_extended), EXTENDED), max_size=6))
def test_any_record_is_taken_or_refused_with_a_reason_and_none_is_lost(
    records: list[tuple[ModuleType, dict[str, Any]]],
) -> None:
    collector = Collector(now_ms=1_767_225_600_000)
    for layout, record in records:
        try:
            row: Row | BadRow = layout.read(record, Options())
        except BadRow as bad:
            row = bad
        collector.add(row)
    counts = collector.counts
    assert counts.read == len(records) == counts.taken + sum(counts.reasons.values())
    taken = collector.table("plays")
    assert len(taken) == counts.taken
    vocabularies = {f.name: f.values for f in FIELDS["plays"] if f.values}
    for play in taken.to_pylist():
        assert all(play[name] is None or play[name] in values for name, values in vocabularies.items())


@QUICKLY
@given(st.lists(st.text(max_size=12), min_size=5, max_size=5))
def test_any_line_of_a_csv_is_taken_or_refused(cells: list[str]) -> None:
    places = {"event_time": 0, "title": 1, "listen_ms": 2, "shuffle": 3, "reason_end": 4}
    collector = Collector(now_ms=1_767_225_600_000)
    try:
        collector.add(plain_csv.read(cells, places, Options()))
    except BadRow as bad:
        collector.add(bad)
    assert collector.counts.read == 1


COPY = [
    {"endTime": "2023-01-02 13:45", "artistName": "Мумий", "trackName": "Ça, ira", "msPlayed": 232_001},
    {"endTime": "2023-01-02 13:49", "artistName": "宇多田", "trackName": "愛", "msPlayed": 61_000},
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_export_is_read_in_the_encodings_that_programs_save(
    imported: Imported, tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "StreamingHistory_music_0.json"
    path.write_text(json.dumps(COPY, ensure_ascii=False), encoding=encoding)
    assert imported.add(path).taken == 2
    assert {track["title"] for track in imported.static("tracks")} == {"Ça, ira", "愛"}


def test_copies_of_an_export_as_tables_and_lines_are_the_same_plays(imported: Imported, tmp_path: Path) -> None:
    frame = pd.DataFrame(COPY).astype({"msPlayed": float})
    (tmp_path / "original.json").write_text(json.dumps(COPY))
    frame.to_csv(tmp_path / "pandas.csv")
    frame.to_csv(tmp_path / "spreadsheet.txt", sep="\t", index=False, encoding="utf-16", quoting=csv.QUOTE_ALL)
    (tmp_path / "lines.json").write_text("\n".join(json.dumps(record) for record in COPY))
    counts = imported.add(tmp_path)
    assert (counts.taken, counts.reasons) == (2, {DUPLICATE: 6})
    assert [row["listen_ms"] for row in imported.rows("plays")] == [232_001, 61_000]


def test_an_extended_export_as_a_table_keeps_reasons_and_what_is_not_there_is_null(
    imported: Imported, tmp_path: Path
) -> None:
    record = {
        "ts": "2023-01-02T13:45:10Z", "platform": "ios", "ms_played": 1000, "conn_country": "DE",
        "master_metadata_track_name": "Low Tide", "master_metadata_album_artist_name": "Glass Harbour",
        "spotify_track_uri": "spotify:track:abc", "reason_start": "trackdone", "reason_end": "fwdbtn", "shuffle": True,
        "episode_name": None,
    }  # fmt: skip
    episode = record | dict.fromkeys(("master_metadata_track_name", "spotify_track_uri")) | {"episode_name": "12"}
    frame = pd.DataFrame([record, record | {"ms_played": None, "ts": "2023-01-02T13:46:10Z"}, episode])
    frame.assign(ts=pd.to_datetime(frame["ts"])).to_csv(tmp_path / "copy.csv")
    counts = imported.add(tmp_path / "copy.csv")
    assert counts.reasons == {PODCAST: 1}
    first, second = imported.rows("plays")
    assert (first["event_time"], first["listen_ms"], first["shuffle"]) == (at("2023-01-02T13:45:10"), 1000, True)
    assert (first["reason_end"], first["track_id"], second["listen_ms"]) == ("fwdbtn", "abc", None)


def test_a_table_with_other_columns_is_refused_with_the_map_that_would_read_it(
    imported: Imported, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    pd.DataFrame(COPY).set_axis(["end_time", "artist", "song", "ms_played"], axis=1).to_csv(path, index=False)
    wanted = "event_time=end_time,title=song,artist=artist,listen_ms=ms_played"
    with pytest.raises(HistoryError, match=f"mine.csv: no layout has its columns .*as in  --map {wanted}$"):
        imported.add(path)
    assert imported.add(path, columns=parse_map(wanted)).taken == 2
