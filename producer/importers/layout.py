"""What a layout is: how its files are recognised, and how one record becomes a row of the contract.

A layout says only what the export says. A field that it cannot know stays out of `values`, and is null in the table.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import xxhash

from producer.importers.files import SourceFile

DEFAULT_USER = "listener"
"""The account of an export that does not name one."""
NO_TRACK, PODCAST = "no track named", "podcast, video or audiobook: not a track"


class BadRow(Exception):
    """A record that no row can be made of; its text is the reason in the report."""

    line: int | None = None
    """Its line in the file, where a record is a line."""


def name_of(artist: str | None, title: str | None) -> str | None:
    """Return artist and title in one text; None where either is unknown."""
    return f"{artist.casefold()}\x1f{title.casefold()}" if artist and title else None


@dataclass(frozen=True, slots=True)
class Track:
    """What a record says of its track. Without an id it is known by artist and title."""

    title: str | None
    artist: str | None
    duration_ms: int | None = None
    own_id: str | None = None

    @property
    def track_id(self) -> str:
        return self.own_id or digest("track", self.artist, self.title)

    @property
    def name(self) -> str | None:
        """Artist and title in one text, the same in every layout; None where either is unknown."""
        return name_of(self.artist, self.title)

    @property
    def artist_id(self) -> str | None:
        return None if self.artist is None else digest("artist", self.artist)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a topic. `values` are further fields of the contract, as far as they are known."""

    topic: str
    user_id: str
    event_ms: int
    precision_ms: int
    values: Mapping[str, Any]
    track: Track | None = None
    signed_up_on: date | None = None
    plan: str | None = None
    fixes: tuple[str, ...] = ()
    """What was repaired, as text for the report."""
    own_id: str | None = None
    """What the source calls the row; None where it is named by what happened."""
    login: str | None = None
    """Whose the record says it is, where that does not name the account: files of two people are no one person's."""
    line: int | None = None
    """Its line in the file, where a record is a line."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says of the files: whose they are, and the column of each field (plain CSV)."""

    user: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of export."""

    name: str
    summary: str
    """What it is, and how its files are called."""
    recognises: Callable[[SourceFile], bool]
    rows: Callable[[SourceFile, Options], Iterator[Row | BadRow]]
    actions: tuple[str, ...] = ()
    """Client actions that it reports. One that it never reports is not measured: its features are null, not 0."""


def each(records: Iterable[Any], read: Callable[[Any], Row]) -> Iterator[Row | BadRow]:
    """Read records one by one; a bad one is handed on as its reason."""
    for record in records:
        try:
            yield read(record)
        except BadRow as bad:
            yield bad


def each_line(file: SourceFile, read: Callable[[str], Row]) -> Iterator[Row | BadRow]:
    """Read a file whose records are lines; rows and reasons know their line. Blank lines are passed over."""
    for number, line in enumerate(file.lines(), start=1):
        if not line.strip():
            continue
        try:
            yield replace(read(line), line=number)
        except BadRow as bad:
            bad.line = number
            yield bad


def digest(*parts: object) -> str:
    """Return 24 hex digits that stand for the parts: the same in every import."""
    text = "\x1f".join("" if part is None else str(part) for part in parts)
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))[:24]


def text_of(value: Any) -> str | None:
    """Read a name or code: stripped; None where it is empty, null or no text.

    >>> text_of("  Air "), text_of(" "), text_of(None)
    ('Air', None, None)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None
