"""The training table of the session scorer: read it, and forget own histories in it.

`playproof model training-table` writes it with the stages that the stream runs, so that a feature means the same in
training and in the stream.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.features import FEATURE_NAMES, OWN_HISTORY_FEATURES
from models.errors import ModelError
from runtime.parquet import read_parquet

LABEL_COLUMNS = ("user_id", "campaign_id", "family", "cohort", "label", "started_at")
WITHOUT_HISTORY = 0.5
"""Share of the training accounts whose own history is forgotten."""


def read_training_tables(folders: Sequence[Path]) -> pd.DataFrame:
    """Read training tables of worlds with different accounts as one. Raises ModelError."""
    table = pd.concat([read_training_table(folder) for folder in folders], ignore_index=True)
    return table.sort_values(["started_at", "user_id"], kind="stable", ignore_index=True)


def read_training_table(folder: Path) -> pd.DataFrame:
    """Read a training table: one row per session, the features and LABEL_COLUMNS, by time and account.

    Raises ModelError where there is no table, or where it lacks columns.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise ModelError(
            f"no training table in {folder.name}: run  playproof model training-table --world train --out {folder}"
        )
    table = pd.concat([read_parquet(file).to_pandas() for file in files], ignore_index=True)
    missing = [name for name in (*FEATURE_NAMES, *LABEL_COLUMNS) if name not in table]
    if missing:
        raise ModelError(
            f"training table {folder.name} lacks columns {', '.join(missing)}: an older version wrote it; run  "
            f"playproof model training-table --world train --out {folder}"
        )
    return table.sort_values(["started_at", "user_id"], kind="stable", ignore_index=True)


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
