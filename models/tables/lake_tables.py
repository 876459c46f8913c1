"""Write and read the tables that a batch command writes: each run replaces the whole table.

In the lake it does so in one commit: a reader sees the old table or the new one, never a part. A table of raw rows is
one folder with one file, replaced in one rename.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.tables import LAKE
from runtime.lake import committed_files
from runtime.lake.commits import replace, write_files
from runtime.lake.schemas import arrow_schema
from runtime.parquet import read_parquet
from runtime.world import World, WorldError


def lake_schema(table: str) -> pa.Schema:
    """Return the contract's schema of a lake table."""
    return arrow_schema(LAKE[table])


def write_table(world: World, table: str, rows: pd.DataFrame) -> Path:
    """Replace a table of the world's current version with `rows`; only the contract's columns are written."""
    schema = lake_schema(table)
    content = pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False)
    folder = world.unit.table(table)
    (file,) = files = write_files(folder, content)
    replace(folder, files, schema)
    return folder / file.path


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
