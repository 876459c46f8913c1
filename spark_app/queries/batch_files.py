"""Parquet files of a micro-batch that Python workers write from Arrow, and the driver commits.

Rows that are in Arrow need no conversion for Spark's own writer (docs/studies/bench.md). A worker writes next to the
table's folders. Only the files that its task reported are moved into the folder `batch_id=N`, which counts once
`_SUCCESS` exists: what a failed or forgotten task wrote never counts.
"""

import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

WRITING = "_writing"
"""Folder of a table for files that do not count yet; Spark and readers skip names that begin with an underscore."""
WRITTEN = "path string, folder string"
"""What a task reports, one line per file: its path, and the folder that it belongs in."""


class BatchFiles:
    """The files that one task writes: one per folder, with a row group per call of `add`."""

    def __init__(self) -> None:
        self._name = f"part-{uuid.uuid4()}.parquet"
        self._writers: dict[Path, tuple[Path, pq.ParquetWriter]] = {}

    def add(self, rows: pa.Table, table: Path, batch: str, part: str = "", unique: Iterable[str] = ()) -> None:
        """Write rows for `table`/`batch`/`part`. `unique` are columns whose values hardly repeat: no dictionary."""
        if not rows.num_rows:
            return
        folder = table / batch / part
        if folder not in self._writers:
            file = table / WRITING / batch / part / self._name
            file.parent.mkdir(parents=True, exist_ok=True)
            dictionary = [name for name in rows.column_names if name not in unique]
            self._writers[folder] = (
                file,
                pq.ParquetWriter(file, rows.schema, use_dictionary=dictionary, store_schema=False),
            )
        self._writers[folder][1].write_table(rows)

    def report(self) -> pa.RecordBatch:
        """Close the files; return WRITTEN."""
        for _, writer in self._writers.values():
            writer.close()
        paths = [str(file) for file, _ in self._writers.values()]
        return pa.RecordBatch.from_pydict(
            {"path": pa.array(paths, pa.string()), "folder": pa.array(map(str, self._writers), pa.string())}
        )


def clear(tables: Iterable[Path], batch: str) -> None:
    """Remove what an earlier attempt of the micro-batch wrote to tables."""
    for table in tables:
        shutil.rmtree(table / batch, ignore_errors=True)
        shutil.rmtree(table / WRITING, ignore_errors=True)


def commit(written: Mapping[str, str], tables: Iterable[Path], batch: str) -> None:
    """Move each file of `written` into its folder, and mark the micro-batch as complete in the tables."""
    for path, folder in written.items():
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(path).rename(Path(folder) / Path(path).name)
    for table in tables:
        shutil.rmtree(table / WRITING, ignore_errors=True)
        (table / batch).mkdir(parents=True, exist_ok=True)
        (table / batch / "_SUCCESS").touch()
