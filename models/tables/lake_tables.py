"""Write and read the lake's batch tables, those that a daily run makes anew as a whole.

Such a table is one folder `batch_id=0` with one file, replaced in one move: a reader sees the old table or the new one,
never half of one, and `runtime.lake.committed_files` lists it like any other.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.tables import LAKE
from runtime.lake import committed_files
from runtime.world import World, WorldError

_TYPES = {
    "string": pa.string(), "double": pa.float64(), "bigint": pa.int64(), "int": pa.int32(), "boolean": pa.bool_(),
    "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "array<string>": pa.list_(pa.string()),
}  # fmt: skip


def schema_of(table: str) -> pa.Schema:
    """Return the contract's schema of a lake table made of plain columns."""
    return pa.schema([pa.field(column.name, _TYPES[column.type]) for column in LAKE[table]])


def write_table(world: World, table: str, rows: pd.DataFrame) -> Path:
    """Replace a table of the world's current version; columns that the contract lacks are left out."""
    schema = schema_of(table)
    folder = world.unit.table(table) / "batch_id=0"
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / ".part.parquet.half"
    pq.write_table(pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False), half)
    (folder / "_SUCCESS").touch()
    return half.replace(folder / "part.parquet")


def read_table(world: World, table: str, made_by: str, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table of the world's current version. `made_by` is the command to name where it is missing."""
    files = committed_files(world.unit.table(table))
    for folder in (world.unit.table(table), world.root / table):  # the second where it was made from raw rows
        files = files or batch_files(folder)
    if not files:
        raise WorldError(f"world {world.name} has no {table} in its lake: run  {made_by} --world {world.name}")
    return read_parts(files, columns)


def batch_files(folder: Path) -> list[Path]:
    """List the files of a table that Spark wrote in batch: all of them once the table is complete, none before."""
    return sorted(folder.rglob("*.parquet")) if (folder / "_SUCCESS").exists() else []


def read_parts(files: Sequence[Path], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read parquet files as one frame."""
    # one at a time: a day in the path would become a column of its own
    parts = [pq.ParquetFile(file).read(columns=columns) for file in files]
    return pa.concat_tables(parts, promote_options="permissive").to_pandas()
