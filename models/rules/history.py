"""What a rule is tested on: the scored sessions, user-days or weeks of a world, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.rules import DAY, SESSION, WEEKS
from models.rules.errors import RuleError
from models.tables.lake_tables import batch_files
from models.tables.sessions import SCORED_IN_BATCH
from runtime.arrays import Bools, Floats, Ints
from runtime.lake import committed_files
from runtime.parquet import open_parquet
from runtime.world import World

TABLES = {SESSION: ("sessions", SCORED_IN_BATCH), DAY: ("user_days",), WEEKS: ("account_windows",)}
"""What a rule looks at -> table of the lake, and one next to the raw rows that stands in for it."""
COMMANDS = {
    SESSION: "playproof up  and  playproof replay",
    DAY: "playproof days build",
    WEEKS: "playproof days windows",
}
STREAMS = {SESSION: "streams", DAY: "streams"}
"""Column with the streams of a row; weeks overlap, so theirs cannot be summed."""
IS_FLAGGED = "is_flagged"


@dataclass(frozen=True, slots=True)
class History:
    """n rows: the values that a rule names, the account of each row, and what the model says of it."""

    columns: dict[str, Floats]
    user: Ints
    """The account of each row, as its place in `users`."""
    users: pa.Array
    is_flagged: Bools | None
    """By the model, or by the daily run; None where the table does not say."""
    streams: Floats

    def __len__(self) -> int:
        return len(self.user)


def read_history(world: World, grain: str, names: Sequence[str]) -> History:
    """Read all rows of a world that a rule over `names` can be tested on. Raises RuleError where there are none."""
    files = history_files(world, grain)
    if not files:
        raise RuleError(f"world {world.name} has no {TABLES[grain][0]} to test a rule on: run  {COMMANDS[grain]}")
    wanted = list(dict.fromkeys(["user_id", IS_FLAGGED, *([STREAMS[grain]] if grain in STREAMS else []), *names]))
    parts = [_read(file, wanted) for file in files]
    # a column that only some files have is null in the others
    table = pa.concat_tables(parts, promote_options="permissive")
    table = table.filter(pc.is_valid(table["user_id"]))
    users = table["user_id"].combine_chunks().dictionary_encode()
    codes: Ints = users.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    flagged = None
    if IS_FLAGGED in table.column_names:
        flagged = pc.fill_null(table[IS_FLAGGED], False).to_numpy().astype(bool)
    streams = _floats(table, STREAMS.get(grain, ""))
    return History({name: _floats(table, name) for name in names}, codes, users.dictionary, flagged, streams)


def history_files(world: World, grain: str) -> list[Path]:
    """List the files of what a rule looks at: what the job wrote, else what a batch command made from raw rows."""
    table, *others = TABLES[grain]
    files = committed_files(world.unit.table(table))
    for folder in (world.unit.table(table), *(world.from_raw(name) for name in (table, *others))):
        files = files or batch_files(folder) or committed_files(folder)
    return files


def _read(file: Path, wanted: Sequence[str]) -> pa.Table:
    parquet: pq.ParquetFile = open_parquet(file)
    there = set(parquet.schema_arrow.names)
    return parquet.read(columns=[name for name in wanted if name in there])


def _floats(table: pa.Table, name: str) -> Floats:
    if name not in table.column_names:
        return np.full(len(table), np.nan)
    values: Floats = table[name].cast(pa.float64(), safe=False).to_numpy()
    return values
