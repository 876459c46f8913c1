"""The layouts that can be imported, and which of them the files given are in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from producer.errors import HistoryError
from producer.importers import csv_files, eventsim, plain_csv, spotify_basic, spotify_extended
from producer.importers.files import SourceFile
from producer.importers.layout import Layout
from producer.importers.scrobbles import lastfm, listenbrainz

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        spotify_extended.LAYOUT,
        spotify_basic.LAYOUT,
        lastfm.LAYOUT,
        listenbrainz.LAYOUT,
        eventsim.LAYOUT,
        plain_csv.LAYOUT,
    )
}
"""By name; the first that recognises a file has it."""
MAX_EXAMPLES = 5
MAX_COLUMNS = 12
_GUESSES = {
    "user_id": (r"^(user|listener)s?[ _]?(id|name)?$",),
    "event_time": (r"end.*time", r"^(?!listening|play.?time|duration).*time", r"date", r"^ts$|^when$", r"played.*at"),
    "title": (r"track.*name", r"title", r"track|song", r"name"),
    "artist": (r"artist|band",),
    "listen_ms": (r"ms.*played|played.*ms", r"^play.*milli", r"(_|\b)ms$"),
    "listen_s": (r"(play|listen|heard|dur).*(?<!milli)sec", r"^sec", r"listening.?time"),
}
"""Names of columns by field of --map, the best first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which layout is read, from which files; the others are passed over."""

    layout: Layout
    files: list[SourceFile]
    passed_over: list[str]


def choose(files: Sequence[SourceFile], name: str | None = None, has_map: bool = False) -> Choice:
    """Find the one layout of the files. Raises HistoryError where there is none, or more than one."""
    if name is not None and name not in LAYOUTS:
        raise HistoryError(f"no layout {name}; there are {', '.join(LAYOUTS)}")
    if has_map and name not in (None, plain_csv.LAYOUT.name):
        raise HistoryError(f"--map is for layout {plain_csv.LAYOUT.name}, not for {name}")
    if has_map:
        matches = {
            plain_csv.LAYOUT.name: [file for file in files if file.name.lower().endswith((".csv", ".tsv", ".txt"))]
        }
    else:
        matches = {}
        for file in files:
            layout = next((one for one in LAYOUTS.values() if one.recognises(file)), None)
            if layout is not None and name in (None, layout.name):
                matches.setdefault(layout.name, []).append(file)
    matches = {layout: its for layout, its in matches.items() if its}
    if not matches:
        wanted = "; ".join(f"{one.name}: {one.summary}" for one in LAYOUTS.values() if name in (None, one.name))
        if files and all(len(_columns(file)) > 1 for file in files):
            columns = _columns(files[0])
            named, example = ", ".join(columns[:MAX_COLUMNS]), _suggest_map(columns)
            raise HistoryError(
                f"{files[0].label}: no layout has its columns {named}: say which is which, as in  --map {example}"
            )
        raise HistoryError(f"no listening history found. Known layouts: {wanted}. Seen: {_describe_files(files)}")
    if len(matches) > 1:
        each = " and ".join(f"{layout} ({its[0].label})" for layout, its in matches.items())
        raise HistoryError(f"two layouts may tell of the same plays: {each}; choose one with --layout")
    ((layout_name, taken),) = matches.items()
    chosen = {file.label for file in taken}
    return Choice(LAYOUTS[layout_name], taken, [file.label for file in files if file.label not in chosen])


def _columns(file: SourceFile) -> list[str]:
    """Return the header of a table; empty for another file."""
    if file.head.lstrip()[:1] in ("[", "{") or "\x00" in file.head:
        return []
    return [cell.strip()[:30] for cell in csv_files.first_row(file) if cell.strip()]


def _suggest_map(columns: Sequence[str]) -> str:
    """Guess which column holds what; what cannot be guessed is left to be filled in.

    >>> _suggest_map(["end_time", "track", "artist", "ms_played"])
    'event_time=end_time,title=track,artist=artist,listen_ms=ms_played'
    >>> _suggest_map(["a", "b"])
    'event_time=COLUMN,title=COLUMN'
    """
    found: dict[str, str] = {}
    for field, parts in _GUESSES.items():
        left = [column for column in columns if column not in found.values()]
        found[field] = next((c for part in parts for c in left if re.search(part, c, re.IGNORECASE)), "")
    if found["listen_ms"]:
        del found["listen_s"]
    needed = {field: found[field] or "COLUMN" for field in ("event_time", "title")}
    return ",".join(f"{field}={column}" for field, column in {**needed, **found, **needed}.items() if column)


def _describe_files(files: Sequence[SourceFile]) -> str:
    """Say what the files look like: names, and the beginning of a header."""
    if not files:
        return (
            "no file that could be one (.json, .csv); unpack a .gz, .zst or .7z, and a zip in a zip, first, and save a "
            "spreadsheet as CSV"
        )
    examples = [f"{file.label} ({_beginning(file)})" for file in files[:MAX_EXAMPLES]]
    return ", ".join(examples) + (f" and {len(files) - MAX_EXAMPLES} more" if len(files) > MAX_EXAMPLES else "")


def _beginning(file: SourceFile) -> str:
    if file.head.lstrip()[:1] in ("[", "{"):
        keys = re.findall(r'"(\w{1,40})"\s*:', file.head)
        return "JSON with " + (", ".join(list(dict.fromkeys(keys))[:MAX_EXAMPLES]) or "no keys")
    header = ", ".join(cell[:30] for cell in csv_files.first_row(file)[:6])
    return f"begins {header!r}" if header else "empty"
