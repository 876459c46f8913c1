"""Rows in the lake, written as the job writes them."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa

from runtime.lake import last_number
from runtime.lake.commits import Transaction, append_rows, replace, write_files
from runtime.lake.schemas import PARTITION, partitions_of

WRITER = "tests"
DAY = date(2025, 3, 3)
"""The partition of rows without one."""


def commit(table: Path, rows: pa.Table | pd.DataFrame, batch: int | None = None, writer: str = WRITER) -> None:
    """Add rows to a table as a micro-batch, by default the next one; the table need not have all columns."""
    number = last_number(table, writer) + 1 if batch is None else batch
    content = _as_arrow(rows)
    if partitions_of(table.name) and PARTITION not in content.column_names:
        content = content.append_column(PARTITION, pa.repeat(DAY, content.num_rows))
    append_rows(table, content, Transaction(writer, number))


def replace_rows(table: Path, rows: pa.Table | pd.DataFrame) -> None:
    """Make rows the content of a table."""
    content = _as_arrow(rows)
    replace(table, write_files(table, content), content.schema)


def _as_arrow(rows: pa.Table | pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows, preserve_index=False) if isinstance(rows, pd.DataFrame) else rows
