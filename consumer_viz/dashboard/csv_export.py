"""CSV that is safe to open in a spreadsheet: no cell is taken for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters that make a spreadsheet calculate, with the full-width ones (OWASP, "CSV Injection")."""
_AFTER_SEPARATOR = re.compile(r"([;|\t\r\n][\s\u00a0\"']*)(?=[=+\-@＝＋－＠])")
"""A spreadsheet that takes another character for the separator begins a cell in the middle of a text."""


def safe_cell(value: Any) -> Any:
    """Return a cell's value; text that would be a formula gets an apostrophe, numbers stay numbers.

    >>> safe_cell('=HYPERLINK("x")'), safe_cell("a;=1+1"), safe_cell(-3.5), safe_cell(None)
    ('\\'=HYPERLINK("x")', "a;'=1+1", -3.5, '')
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = _AFTER_SEPARATOR.sub(r"\1'", value)
    return f"'{text}" if value.lstrip(" \u00a0").startswith(FORMULA_STARTS) else text


def to_csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write rows as CSV in UTF-8, every text quoted. Raises ValueError where two columns have one name."""
    if len(set(head)) != len(head):
        raise ValueError(f"columns have the same name: {', '.join(sorted({n for n in head if head.count(n) > 1}))}")
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(head)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def csv_file(content: bytes, name: str) -> Response:
    """Answer a request with a CSV file to save."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
