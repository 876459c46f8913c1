"""Last.fm: scrobbles as CSV. Last.fm has no export button; these layouts come from the tools that people use.

lastfm-to-csv (benjaminbenben.com)   no header: artist, album, track, `22 Mar 2021 16:55`
export of mainstream.ghan.nl         uts, utc_time, artist, artist_mbid, album, album_mbid, track, track_mbid
lastfmstats.com                      Artist;Album;AlbumId;Track;Date#username, milliseconds since the epoch
lastfm-backup-cli                    no header: 2021-04-01, 10:42:53, artist, title
Last.fm 1K users (Celma, 2010)       no header, tabs: user, 2009-05-04T23:08:57Z, mbid, artist, mbid, track
collections of several accounts      the account in a column such as `Username`, the time in `Date` and `Time`

A scrobble's time is when the track **began**, UTC. How long it was heard is not in it: `listen_ms` is null, and
`event_time` is the start, the one moment that is known.
"""

import re
from collections.abc import Iterator, Sequence

from contracts.events import PLAYS
from producer.importers import csv_files
from producer.importers.files import SourceFile
from producer.importers.layout import DEFAULT_USER, NO_TRACK, BadRow, Layout, Options, Row, Track, each, text_of
from producer.importers.times import Moment, parse_moment

_NAMES = {
    "artist": ("artist", "artist_name", "artist name"),
    "track": ("track", "track_name", "track name", "title", "name"),
    "date": ("uts", "timestamp", "date", "utc_time", "played_at"),
}
"""Column names of each field, the best first: `uts` is exact where `utc_time` is cut to minutes."""
_USERS = ("user", "user_id", "userid", "username", "user_name", "listener")
"""Column names of the account: without it several people would be one, who never sleeps."""
_LENGTH = re.compile(r"ms_?played|played_?ms|listen_?(ms|s)\b|seconds?_?played")
"""A column of how long a play was heard: no scrobble has one, so such a table is of another kind."""
_USER_MARK = "date#"
_HEADERLESS = (
    ("artist", "album", "track", "date"),
    ("date", "time", "artist", "track"),
    ("user", "date", "artist_mbid", "artist", "track_mbid", "track"),
)


def _header(first: Sequence[str]) -> tuple[dict[str, int], str | None] | None:
    """Find the columns in a header, and the user that lastfmstats names in it; None where it is none."""
    names = [cell.strip().lower() for cell in first]
    user = None
    for index, name in enumerate(names):
        if name.startswith(_USER_MARK):
            user, names[index] = text_of(first[index].strip()[len(_USER_MARK) :]), "date"
    position_of = {field: next((names.index(n) for n in known if n in names), -1) for field, known in _NAMES.items()}
    if min(position_of.values()) < 0 or any(_LENGTH.search(name) for name in names):
        return None
    more = {"user": next((n for n in _USERS if n in names), None), "time": "time" if "time" in names else None}
    return position_of | {field: names.index(name) for field, name in more.items() if name}, user


def _headerless(first: Sequence[str]) -> dict[str, int] | None:
    """Find the columns of a file that begins with a scrobble; None where it does not."""
    for names in _HEADERLESS:
        columns = {name: index for index, name in enumerate(names)}
        if len(first) == len(names) and _moment_of(first, columns) is not None:
            return columns
    return None


def _moment_of(record: Sequence[str], columns: dict[str, int]) -> Moment | None:
    """Read the time of a scrobble, which may be in two columns."""
    date = record[columns["date"]]
    moment = parse_moment(date)
    if moment is None and "time" in columns:
        return parse_moment(f"{date.strip()} {record[columns['time']].strip()}")
    return moment


def recognises(file: SourceFile) -> bool:
    if file.head.lstrip()[:1] in ("[", "{"):
        return False
    first = csv_files.first_row(file)
    return _header(first) is not None or _headerless(first) is not None


def rows(file: SourceFile, options: Options) -> Iterator[Row | BadRow]:
    records = csv_files.cells(file)
    first = csv_files.first_row(file)
    columns, user = _header(first) or (None, None)
    if columns is None:
        columns = _headerless(first) or {}
    else:
        next(records, None)
    owner = options.user or user or (None if "user" in columns else DEFAULT_USER)
    return each(records, lambda record: read(record, columns, owner))


def read(record: Sequence[str], columns: dict[str, int], owner: str | None) -> Row:
    """Read one scrobble; `columns` is the place of each field, `owner` whose it is, None where it says so itself."""
    if len(record) <= max(columns.values()):
        raise BadRow("line: too few columns")
    title = text_of(record[columns["track"]])
    if title is None:
        raise BadRow(NO_TRACK)
    user = owner or text_of(record[columns["user"]])
    if user is None:
        raise BadRow("user: empty, in a file that has accounts")
    moment = _moment_of(record, columns)
    if moment is None:
        raise BadRow("date: not a time (a track still playing has none)")
    return Row(PLAYS, user, moment.ms, moment.precision_ms, {}, Track(title, text_of(record[columns["artist"]])))


LAYOUT = Layout(
    "lastfm", "Last.fm scrobbles as CSV (lastfm-to-csv, ghan.nl, lastfmstats, lastfm-backup)", recognises, rows
)
