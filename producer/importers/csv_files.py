"""CSV files as records: the delimiter and the header are found, not asked for."""

import csv
import re
from collections.abc import Collection, Iterator
from typing import Any

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


def has_columns(file: SourceFile, names: Collection[str]) -> bool:
    """Whether a file is a CSV whose header has all these names: an export that somebody saved as a table."""
    if file.head.lstrip()[:1] in ("[", "{"):
        return False
    return {*names} <= {cell.strip() for cell in first_row(file)}


def records(file: SourceFile, numbers: Collection[str], booleans: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """Read the rows of such a table as the export's records: whole numbers, true and false, null for an empty cell.

    A cell that is no number stays a text, and is refused by the layout. Raises HistoryError.
    """
    rows = cells(file)
    header = [cell.strip() for cell in next(rows, [])]
    for row in rows:
        record: dict[str, Any] = {name: cell or None for name, cell in zip(header, row, strict=False)}
        record |= {name: _whole(record.get(name)) for name in numbers}
        yield record | {name: _BOOLEANS.get((record.get(name) or "").lower()) for name in booleans}


_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def _whole(text: str | None) -> int | str | None:
    """Read a whole number as a program writes it after a calculation.

    With three zeros behind a point or comma it may as well be thousands, so that is no number.

    >>> _whole("232001.0"), _whole("232001"), _whole("nan"), _whole("3 min"), _whole("232,000")
    (232001, 232001, None, '3 min', '232,000')
    """
    if text is None or text.lower() == "nan":
        return None
    match = re.fullmatch(r"(?!\d{1,3}[.,]000$)(\d{1,18})(?:[.,]0*)?", text.strip(), re.ASCII)
    return int(match[1]) if match else text


def cells(file: SourceFile) -> Iterator[list[str]]:
    """Read all rows, the header included; blank lines are passed over. Raises HistoryError."""
    delimiter = delimiter_of(next(iter(file.head.splitlines()), ""))
    reader = csv.reader(file.lines(), delimiter=delimiter)
    try:
        yield from (row for row in reader if row)
    except csv.Error as error:
        raise HistoryError(f"{file.label}: not readable as CSV at line {reader.line_num} ({error})") from None
