"""CSV files as records: the delimiter and the header are found, not asked for."""

import csv
from collections.abc import Iterator

from producer.errors import HistoryError
from producer.importers.files import SourceFile

DELIMITERS = (",", ";", "\t")


def first_row(file: SourceFile) -> list[str]:
    """Return the cells of the first line; empty where there is none."""
    line = next(iter(file.head.splitlines()), "")
    try:
        return next(csv.reader([line], delimiter=delimiter_of(line)), [])
    except csv.Error:
        return []


def delimiter_of(line: str) -> str:
    """Return the delimiter that cuts a line into most cells.

    >>> delimiter_of("Artist;Album;AlbumId;Track;Date#me")
    ';'
    """
    return max(DELIMITERS, key=line.count)


def cells(file: SourceFile) -> Iterator[list[str]]:
    """Read all rows, the header included; blank lines are passed over. Raises HistoryError."""
    delimiter = delimiter_of(next(iter(file.head.splitlines()), ""))
    reader = csv.reader(file.lines(), delimiter=delimiter)
    try:
        yield from (row for row in reader if row)
    except csv.Error as error:
        raise HistoryError(f"{file.label}: not readable as CSV at line {reader.line_num} ({error})") from None
