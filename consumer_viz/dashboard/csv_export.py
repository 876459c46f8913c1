"""CSV that is safe to open in a spreadsheet: no cell is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

from runtime.desk.spreadsheet import safe_cell


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
