"""Read the sessions that a world's job wrote."""

from pathlib import Path

import pandas as pd

from models.tables.lake_tables import read_parts
from runtime.lake import committed_files
from runtime.world import WorldError

SCORED_IN_BATCH = "scored_sessions"
"""Table of the scored sessions of raw rows, next to them: `playproof days run` and `job score-history` write it."""


def read_sessions(table: Path, columns: list[str]) -> pd.DataFrame:
    """Read columns of the committed sessions, one row per session. Raises WorldError where there are none."""
    files = committed_files(table)
    if not files:
        raise WorldError(f"no sessions are committed in {table.name} yet: run  playproof up  and  playproof replay")
    return read_parts(files, columns)
