"""Spotify, account data: `StreamingHistory*.json`, one year of plays by name, to the minute.

Records are `{endTime, artistName, trackName, msPlayed}`; podcasts are in separate files as `{endTime,
podcastName, episodeName, msPlayed}`. `endTime` is UTC without seconds. (support.spotify.com, "Understanding my data".)
Not in it: track ids, reasons, devices, places.
"""

from collections.abc import Iterator
from typing import Any

from contracts.events import PLAYS
from producer.importers import csv_files
from producer.importers.files import SourceFile
from producer.importers.layout import (
    DEFAULT_USER,
    NO_TRACK,
    PODCAST,
    BadRow,
    Layout,
    Options,
    Row,
    Track,
    each,
    text_of,
)
from producer.importers.times import parse_moment

UNNAMED = ("Unknown Track", "Unknown Artist")
"""What the export writes where it has lost the name."""


_COLUMNS = ("endTime", "trackName", "msPlayed")
"""Of a copy that somebody saved as a CSV."""


def recognises(file: SourceFile) -> bool:
    if csv_files.has_columns(file, _COLUMNS):
        return True
    named = file.name.lower().startswith("streaminghistory") and file.name.lower().endswith(".json")
    return ('"endTime"' in file.head and '"msPlayed"' in file.head) or (named and file.head.strip() == "[]")


def rows(file: SourceFile, options: Options) -> Iterator[Row | BadRow]:
    is_table = csv_files.has_columns(file, _COLUMNS)
    records = csv_files.records(file, numbers=("msPlayed",)) if is_table else file.json_list()
    return each(records, lambda record: read(record, options))


def read(record: Any, options: Options) -> Row:
    """Read one record."""
    if not isinstance(record, dict):
        raise BadRow("not an object")
    if record.get("podcastName") or record.get("episodeName"):
        raise BadRow(PODCAST)
    title, artist = text_of(record.get("trackName")), text_of(record.get("artistName"))
    if title is None or (title, artist) == UNNAMED:
        raise BadRow(NO_TRACK)
    moment = parse_moment(str(record.get("endTime")))
    if moment is None:
        raise BadRow("endTime: not a time like 2023-01-02 13:45")
    values = {"listen_ms": record.get("msPlayed")}
    user = options.user or DEFAULT_USER
    return Row(PLAYS, user, moment.ms, moment.precision_ms, values, Track(title, artist))


LAYOUT = Layout("spotify-basic", "Spotify account data, StreamingHistory*.json", recognises, rows)
