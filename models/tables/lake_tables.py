"""Write and read the tables that a batch command writes: each run replaces the whole table.

Such a table is one folder `batch_id=0` with one file, replaced in one rename. A reader sees the old table or the new
one, never a part, and `runtime.lake.committed_files` lists its file like that of any table.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.tables import LAKE
from runtime.lake import committed_files
from runtime.parquet import read_parquet
from runtime.world import World, WorldError

_TYPES = {
    "string": pa.string(), "double": pa.float64(), "bigint": pa.int64(), "int": pa.int32(), "boolean": pa.bool_(),
    "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "array<string>": pa.list_(pa.string()),
}  # fmt: skip


def lake_schema(table: str) -> pa.Schema:
    """Return the contract's schema of a lake table that has no nested columns but lists of strings."""
    return pa.schema([pa.field(column.name, _TYPES[column.type]) for column in LAKE[table]])


def write_table(world: World, table: str, rows: pd.DataFrame) -> Path:
    """Replace a table of the world's current version with `rows`; only the contract's columns are written."""
    schema = lake_schema(table)
    content = pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False)
    return replace_part(world.unit.table(table) / "batch_id=0", content)


def replace_part(folder: Path, content: pa.Table) -> Path:
    """Replace the one file of a folder, and mark the folder as complete."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".part.parquet.partial"
    pq.write_table(content, partial)
    (folder / "_SUCCESS").touch()
    return partial.replace(folder / "part.parquet")


def read_table(world: World, table: str, command: str, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table of the world's current version, or else the one made from raw rows.

    Raises WorldError where there is neither; its message tells to run `command`.
    """
    files = committed_files(world.unit.table(table))
    for folder in (world.unit.table(table), world.from_raw(table)):
        files = files or batch_files(folder)
    if not files:
        raise WorldError(f"world {world.name} has no {table} in its lake: run  {command} --world {world.name}")
    return read_parts(files, columns)


def batch_files(folder: Path) -> list[Path]:
    """List the files of a table that Spark wrote in batch: all of them where the table is complete, else none."""
    return sorted(folder.rglob("*.parquet")) if (folder / "_SUCCESS").exists() else []


def read_parts(files: Sequence[Path], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read parquet files of one table as one frame; a column that only some files have is null in the others."""
    # one file at a time: read together, a `date=…` in the path would become a column
    parts = [read_parquet(file, columns) for file in files]
    return pa.concat_tables(parts, promote_options="permissive").to_pandas()
