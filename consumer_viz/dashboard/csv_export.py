"""CSV that a spreadsheet may open: no cell is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters at which spreadsheets begin to calculate (OWASP, "CSV Injection"), the full-width ones included."""


def cell(value: Any) -> Any:
    """Guard one cell: text that would be a formula gets an apostrophe; numbers stay numbers.

    >>> cell('=HYPERLINK("x")'), cell(-3.5), cell(None)
    ('\\'=HYPERLINK("x")', -3.5, '')
    """
    if value is None:
        return ""
    if isinstance(value, str) and value.lstrip(" \u00a0").startswith(_STARTS):
        return f"'{value}"
    return value


def to_csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write rows as CSV in UTF-8, every text quoted."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def csv_file(content: bytes, name: str) -> Response:
    """Answer a request with a CSV file to keep."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
