"""Read the static tables of a world."""

import numpy as np
import pandas as pd

from runtime.arrays import Floats
from runtime.parquet import read_parquet
from runtime.world import World


def read_static(world: World, table: str, columns: list[str]) -> pd.DataFrame:
    """Read columns of a static table, parquet or CSV. Raises WorldError where it is missing."""
    folder = world.static(table)
    parts = [read_parquet(file, columns).to_pandas() for file in sorted(folder.glob("*.parquet"))]
    parts += [pd.read_csv(file, usecols=columns) for file in sorted(folder.glob("*.csv"))]
    return pd.concat(parts, ignore_index=True)


def read_popularity(world: World, track_ids: pd.Index) -> Floats:
    """Return of each track its share of all plays before the first day, 0 where it is unknown. Raises WorldError."""
    tracks = read_static(world, "tracks", ["track_id", "total_track_popularity"]).set_index("track_id")
    return tracks["total_track_popularity"].reindex(track_ids).fillna(0.0).to_numpy(dtype=np.float64)


def read_timezones(world: World) -> pd.Series:
    """Return the IANA zone of each account, by user_id. Raises WorldError where table `users` is missing."""
    return read_static(world, "users", ["user_id", "timezone"]).set_index("user_id")["timezone"]
