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
        raise HistoryError(f"no listening history found. Known layouts: {wanted}. Seen: {_describe_files(files)}")
    if len(matches) > 1:
        each = " and ".join(f"{layout} ({its[0].label})" for layout, its in matches.items())
        raise HistoryError(f"two layouts may tell of the same plays: {each}; choose one with --layout")
    ((layout_name, taken),) = matches.items()
    chosen = {file.label for file in taken}
    return Choice(LAYOUTS[layout_name], taken, [file.label for file in files if file.label not in chosen])


def _describe_files(files: Sequence[SourceFile]) -> str:
    """Say what the files look like: names, and the beginning of a header."""
    if not files:
        return "no file that could be one (.json, .csv)"
    examples = [f"{file.label} ({_beginning(file)})" for file in files[:MAX_EXAMPLES]]
    return ", ".join(examples) + (f" and {len(files) - MAX_EXAMPLES} more" if len(files) > MAX_EXAMPLES else "")


def _beginning(file: SourceFile) -> str:
    if file.head.lstrip()[:1] in ("[", "{"):
        keys = re.findall(r'"(\w{1,40})"\s*:', file.head)
        return "JSON with " + (", ".join(list(dict.fromkeys(keys))[:MAX_EXAMPLES]) or "no keys")
    header = ", ".join(cell[:30] for cell in csv_files.first_row(file)[:6])
    return f"begins {header!r}" if header else "empty"
