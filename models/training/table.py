"""The training table of the session scorer: write it, read it, and forget own histories in it.

`playproof model training-table` writes it with the stages that the stream runs, so that a feature means the same in
training and in the stream.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.features import FEATURE_NAMES, OWN_HISTORY_FEATURES
from models.errors import ModelError
from runtime.parquet import open_parquet, read_parquet

LABEL_COLUMNS = ("user_id", "campaign_id", "family", "cohort", "label", "started_at")
WORLD = b"playproof_world"
"""Key of the world's name in a file's metadata."""
WITHOUT_HISTORY = 0.5
"""Share of the training accounts whose own history is forgotten."""


def write_training_table(table: pd.DataFrame, out: Path, world: str) -> None:
    """Write a world's training table to `out`/part.parquet, in microseconds: Spark reads no nanoseconds."""
    out.mkdir(parents=True, exist_ok=True)
    content = pa.Table.from_pandas(table, preserve_index=False)
    content = content.replace_schema_metadata({**(content.schema.metadata or {}), WORLD: world.encode()})
    pq.write_table(content, out / "part.parquet", coerce_timestamps="us")


def describe_worlds(folders: Sequence[Path]) -> str:
    """Name the worlds that training tables are of; a table that does not say its world is named by its folder.

    Raises ModelError where there is no table.
    """
    schemas = [open_parquet(file).schema_arrow for folder in folders for file in table_files(folder)]
    names = list(dict.fromkeys((schema.metadata or {}).get(WORLD, b"").decode() for schema in schemas))
    if not all(names):
        return f"table {' and '.join(str(folder) for folder in folders)}"
    return f"world{'s' if len(names) > 1 else ''} {' and '.join(names)}"


def table_files(folder: Path) -> list[Path]:
    """List the files of a training table. Raises ModelError where there is none."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise ModelError(
            f"no training table in {folder.name}: run  playproof model training-table --world train --out {folder}"
        )
    return files


def read_training_tables(folders: Sequence[Path]) -> pd.DataFrame:
    """Read training tables of worlds with different accounts as one. Raises ModelError."""
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ModelError("a training table is given twice: each of its sessions would count twice")
    table = pd.concat([read_training_table(folder) for folder in folders], ignore_index=True)
    return table.sort_values(["started_at", "user_id"], kind="stable", ignore_index=True)


def read_training_table(folder: Path) -> pd.DataFrame:
    """Read a training table: one row per session, the features and LABEL_COLUMNS, by time and account.

    Raises ModelError where there is no table, or where it lacks columns.
    """
    table = pd.concat([read_parquet(file).to_pandas() for file in table_files(folder)], ignore_index=True)
    missing = [name for name in (*FEATURE_NAMES, *LABEL_COLUMNS) if name not in table]
    if missing:
        raise ModelError(
            f"training table {folder.name} lacks columns {', '.join(missing)}: an older version wrote it; run  "
            f"playproof model training-table --world train --out {folder}"
        )
    if wrong := _find_wrong_column(table):
        raise ModelError(f"training table {folder.name}: {wrong}")
    return table.sort_values(["started_at", "user_id"], kind="stable", ignore_index=True)


def _find_wrong_column(table: pd.DataFrame) -> str | None:
    """Say which column of somebody's own table does not hold what it should; None where all do.

    A label of -1 or "honest" would be nobody's: neither a bot's session nor a person's.
    """
    wrong = table.loc[table["label"].notna() & ~table["label"].isin([0, 1]), "label"]
    if len(wrong):
        return f"label {wrong.iloc[0]!s:.20} in {len(wrong):,} of {len(table):,} rows; expected 1 (fraud), 0 or null"
    if table["user_id"].isna().any():
        return f"rows without a user_id: {int(table['user_id'].isna().sum()):,}"
    if not pd.api.types.is_datetime64_any_dtype(table["started_at"]):
        return f"started_at is of type {table['started_at'].dtype}, expected timestamps"
    for name in FEATURE_NAMES:
        try:
            values = table[name].astype("float64")
        except (TypeError, ValueError):
            return f"{name} has values that are no numbers"
        if np.isinf(values).any():
            return f"{name} has infinite values; what could not be measured is null"
    return None


def forget_history(table: pd.DataFrame) -> pd.DataFrame:
    """Set the features of own history to missing, as in a world where no table of histories was made yet."""
    return table.assign(**dict.fromkeys(OWN_HISTORY_FEATURES, np.nan))


def forget_half_of_histories(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Set the features of own history to missing for WITHOUT_HISTORY of the accounts.

    A model that always saw a history in training would take a missing one for a sign of a bot, and in a new world it is
    missing everywhere.
    """
    users = np.sort(table["user_id"].unique())
    is_forgotten = table["user_id"].isin(users[rng.random(len(users)) < WITHOUT_HISTORY])
    return table.assign(**{name: table[name].mask(is_forgotten) for name in OWN_HISTORY_FEATURES})
