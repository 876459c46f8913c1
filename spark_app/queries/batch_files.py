"""Parquet files of a micro-batch that Python workers write from Arrow, and the driver commits.

Rows that are in Arrow need no conversion for Spark's own writer (docs/studies/bench.md). A worker writes below the
table's folder. Only the files that its task reported are added to the table, in one commit per table with the number of
the micro-batch (`runtime.lake`): what a failed or forgotten task wrote never counts.
"""

import uuid
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Row

from runtime.checkpoint import writer_of
from runtime.lake import file_name
from runtime.lake.commits import DataFile, Transaction, append
from runtime.storage import open_output
from runtime.world import Unit

WRITTEN = "table string, path string, rows bigint, bytes bigint"
"""What a task reports, one line per file: the table, and the file's path below it, rows and size."""


class BatchFiles:
    """The files that one task writes for a micro-batch: one per table and folder, a row group per call of `add`."""

    def __init__(self, batch_id: int) -> None:
        self._name = file_name(batch_id, uuid.uuid4().hex)
        self._writers: dict[tuple[Path, str], tuple[pq.ParquetWriter, Any, list[int]]] = {}

    def add(self, rows: pa.Table, table: Path, part: str = "", unique: Iterable[str] = ()) -> None:
        """Write rows to `table`/`part`. `unique` are columns whose values hardly repeat: no dictionary."""
        if not rows.num_rows:
            return
        if (table, part) not in self._writers:
            out = open_output(table / part / self._name)
            dictionary = [name for name in rows.column_names if name not in unique]
            writer = pq.ParquetWriter(out, rows.schema, use_dictionary=dictionary, store_schema=False)
            self._writers[table, part] = writer, out, []
        writer, _, counts = self._writers[table, part]
        writer.write_table(rows)
        counts.append(rows.num_rows)

    def report(self) -> pa.RecordBatch:
        """Close the files; return WRITTEN."""
        lines = []
        for (table, part), (writer, out, counts) in self._writers.items():
            writer.close()
            size = out.tell()
            out.close()
            path = (table / part / self._name).relative_to(table).as_posix()
            lines.append({"table": str(table), "path": path, "rows": sum(counts), "bytes": size})
        types = [("table", pa.string()), ("path", pa.string()), ("rows", pa.int64()), ("bytes", pa.int64())]
        return pa.RecordBatch.from_pylist(lines, schema=pa.schema(types))


def commit(
    written: Iterable[Row], unit: Unit, query: str, batch_id: int, names: Mapping[Path, str] | None = None
) -> None:
    """Add the files that tasks reported to their tables, each in one commit; a table that has the micro-batch skips it.

    `names`: what the contract calls a table, where that is not the folder's name.
    """
    transaction = Transaction(writer_of(unit, query), batch_id)
    lines = sorted(written, key=attrgetter("table"))
    for table, files in groupby(lines, attrgetter("table")):
        of_table = [DataFile(file["path"], file["rows"], file["bytes"]) for file in files]
        append(Path(table), of_table, transaction, (names or {}).get(Path(table), ""))
