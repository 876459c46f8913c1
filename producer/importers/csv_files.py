"""CSV files as records: the delimiter and the header are found, not asked for."""

import csv
import re
from collections import deque
from collections.abc import Collection, Iterator
from typing import Any

from producer.errors import HistoryError
from producer.importers.files import SourceFile

DELIMITERS = (",", ";", "\t")
MAX_LINES_OF_A_CELL = 20
"""Lines that a quoted cell may go over: a lone quote would take all rows up to the next one for a title."""
NULL = "\\N"
"""How database dumps write a missing value."""


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
    rows_read = 0
    try:
        for row in parse_rows(file.lines(), delimiter):
            rows_read += 1
            if row:
                yield ["" if cell == NULL else cell for cell in row]
    except csv.Error as error:
        raise HistoryError(f"{file.label}: not readable as CSV after row {rows_read:,} ({error})") from None


def parse_rows(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    r"""Parse lines, each by itself: many tables are written without quoting, and titles have quotes.

    Of a table with commas or semicolons a quoted cell may go on in the next lines.

    >>> list(parse_rows(iter(['"Heroes\t1\n', '"Weird" Al\t"2"\n']), "\t"))
    [['"Heroes', '1'], ['"Weird" Al', '2']]
    >>> list(parse_rows(iter(['"two\n', 'lines",1\n']), ","))
    [['two\nlines', '1']]
    """
    ahead: deque[str] = deque()
    while (line := ahead.popleft() if ahead else next(lines, None)) is not None:
        row = _parse_quoted(line, delimiter)
        if row is None and delimiter != "\t":
            row = _parse_over_lines(line, ahead, lines, delimiter)
        if row is None:
            row = _parse_unquoted(line, delimiter)
        yield row


def _parse_quoted(text: str, delimiter: str) -> list[str] | None:
    """Parse one row; None where its quotes are not those of a CSV."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _parse_unquoted(line: str, delimiter: str) -> list[str]:
    """Parse a row whose quotes belong to its texts, but for those around a whole cell."""
    is_paired = delimiter != "\t" and line.count('"') % 2 == 0
    if is_paired:
        return next(csv.reader([line], delimiter=delimiter), [])
    row = next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
    return [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in row]


def _parse_over_lines(line: str, ahead: deque[str], lines: Iterator[str], delimiter: str) -> list[str] | None:
    """Parse a row with the lines after it, up to the one that closes its quote; those go from `ahead` and `lines`."""
    text = line
    for more in range(MAX_LINES_OF_A_CELL if text.count('"') % 2 else 0):
        if more == len(ahead):
            if (following := next(lines, None)) is None:
                return None
            ahead.append(following)
        text += ahead[more]
        if text.count('"') % 2 == 0:
            row = _parse_quoted(text, delimiter)
            for _ in range(more + 1 if row is not None else 0):
                ahead.popleft()
            return row
    return None
