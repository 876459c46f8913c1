"""Any CSV with a header: `--map user_id=listener,event_time=when` says which column holds which field.

Fields are those of topic `plays`, and of the track `title`, `artist` and `duration_ms`. `started_at` may stand for
`event_time` (the end is then the start and `listen_ms`, where that is known), `listen_s` for `listen_ms`. With a
`play_id` a row is what the source calls it: the same id of the same account is the same play, in one file too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.events import PLAY_FIELDS, PLAYS
from producer.errors import HistoryError
from producer.importers import csv_files
from producer.importers.files import SourceFile
from producer.importers.layout import DEFAULT_USER, NO_TRACK, BadRow, Layout, Options, Row, Track, each, text_of
from producer.importers.times import parse_moment

_OF_TRACK = ("title", "artist", "duration_ms")
_PLAIN = {f.name: f for f in PLAY_FIELDS if f.name not in ("play_id", "user_id", "event_time", "track_id", "ts")}
FIELDS = ("play_id", "user_id", "event_time", "started_at", "track_id", "listen_s", *_OF_TRACK, *_PLAIN)
"""Fields that a column may be mapped to."""
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")


def parse_map(text: str) -> dict[str, str]:
    """Read `field=column,…`. Raises HistoryError where a field is unknown or a needed one is missing.

    >>> parse_map("event_time=when,title=song")
    {'event_time': 'when', 'title': 'song'}
    """
    columns: dict[str, str] = {}
    for part in text.split(","):
        field, equals, column = (piece.strip() for piece in part.partition("="))
        if not (field and equals and column):
            raise HistoryError(f"--map: {part.strip()!r} is not field=column, as in  --map event_time=when,title=song")
        if field not in FIELDS:
            raise HistoryError(f"--map: no field {field}; there are {', '.join(FIELDS)}")
        columns[field] = column
    if missing := _missing(columns):
        raise HistoryError(f"--map lacks {missing}; it has {', '.join(columns)}")
    return columns


def _missing(columns: Mapping[str, str]) -> str:
    lacks = []
    if "event_time" not in columns and "started_at" not in columns:
        lacks.append("event_time (or started_at)")
    if "track_id" not in columns and "title" not in columns:
        lacks.append("track_id (or title)")
    return " and ".join(lacks)


def recognises(file: SourceFile) -> bool:
    """A CSV whose header has the contract's own field names needs no map."""
    return not _missing({name: name for name in csv_files.first_row(file)})


def rows(file: SourceFile, options: Options) -> Iterator[Row | BadRow]:
    records = csv_files.cells(file)
    header = [cell.strip() for cell in next(records, [])]
    columns = options.columns or {name: name for name in header if name in FIELDS}
    if unknown := [column for column in columns.values() if column not in header]:
        raise HistoryError(f"{file.label}: no column {unknown[0]!r}; its columns are {', '.join(header)}")
    columns_at = {field: header.index(column) for field, column in columns.items()}
    return each(records, lambda record: read(record, columns_at, options))


def read(record: list[str], columns_at: Mapping[str, int], options: Options) -> Row:
    """Read one line; `places` is the place of each field's column."""
    if len(record) <= max(columns_at.values()):
        raise BadRow("line: too few columns")
    cell = {field: text_of(record[index]) for field, index in columns_at.items()}
    if cell.get("track_id") is None and cell.get("title") is None:
        raise BadRow(NO_TRACK)
    fixes: list[str] = []
    values = {name: _value(name, cell[name], fixes) for name in _PLAIN if name in cell}
    if "listen_s" in cell and values.get("listen_ms") is None:
        seconds = _number(cell["listen_s"])
        values["listen_ms"] = None if seconds is None else round(seconds * 1000)
    field = "event_time" if "event_time" in cell else "started_at"
    moment = parse_moment(cell[field] or "")
    if moment is None:
        raise BadRow(f"{field}: not a time")
    event_ms = moment.ms
    if field == "started_at" and isinstance(values.get("listen_ms"), int):
        event_ms += values["listen_ms"]
    duration = _number(cell.get("duration_ms"))
    track = Track(
        cell.get("title"), cell.get("artist"), None if not duration else round(duration), cell.get("track_id")
    )
    user = options.user or cell.get("user_id") or DEFAULT_USER
    if options.user is None and "user_id" in cell and cell["user_id"] is None:
        raise BadRow("user_id: empty, in a file that has accounts")
    return Row(
        PLAYS, user, event_ms, moment.precision_ms, values, track, fixes=tuple(fixes), own_id=cell.get("play_id")
    )


def _number(text: str | None) -> float | None:
    """Read a finite number; None where the cell is empty. Raises BadRow."""
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e12:
        raise BadRow("a length is not a number")
    return number


def _value(name: str, text: str | None, fixes: list[str]) -> Any:
    field = _PLAIN[name]
    if text is None:
        return None
    if field.kind == "ms":
        number = _number(text)
        return None if number is None else round(number)
    if field.kind == "bool":
        return True if text.lower() in _YES else False if text.lower() in _NO else None
    if field.values and text not in field.values:
        fixes.append(f"{name} {text[:30]} to null")
        return None
    return text


LAYOUT = Layout("csv", "any CSV with a header, its columns named by --map", recognises, rows)
