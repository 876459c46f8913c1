"""Build the lab's table of a world: user-days with labels, detectors' scores, action pairs and sessions."""

from pathlib import Path

import numpy as np
import pandas as pd

from contracts.features import FEATURE_NAMES
from contracts.labels import HONEST
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.lab.actions import count_pairs, read_activity
from models.lab.candidates.detectors import FOREST, HYBRID, RULES
from models.lab.days import Sessions, UserDays
from models.lab.protocol import HISTORY_DAYS
from models.labels.truth import label_user_days, read_account_truth
from models.tables.lake_tables import batch_files, read_parts
from models.tables.static_tables import read_timezones
from models.tables.times import epoch_ms
from models.tables.user_day_index import UserDayIndex
from models.training.splits import number_groups
from models.user_days.detect import detect
from models.user_days.history import sort_user_days
from runtime.arrays import Ints
from runtime.local_time import day_numbers
from runtime.parquet import open_parquet, read_parquet
from runtime.world import World, WorldError

TRUSTED_SHARE = 0.05
"""Share of honest accounts that are known to be honest: the cohort of arXiv 2203.02124, a setting."""
MIXED, UNPAID = "some paid streams, under 10", "bot's account, no paid stream"
"""User-days that are neither positive nor negative, by line of the report."""


def read_user_days(world: World) -> pd.DataFrame:
    """Read a world's user-days, made from raw, in order. Raises WorldError where there are none."""
    folder = world.root / "user_days"
    files = batch_files(folder)
    if not files:
        raise WorldError(
            f"world {world.name} has no user-days: run  playproof days build --world {world.name} --source raw"
        )
    columns = ["user_id", "local_date", "plan", "country", "history_days", "sessions", "plays", "streams"]
    columns += USER_DAY_FEATURE_NAMES
    _check(files[0], columns, f"playproof days build --world {world.name} --source raw")
    return sort_user_days(read_parts(files, columns))


def build_lab_table(world: World, sessions: Path, seed: int, history: int = HISTORY_DAYS) -> UserDays:
    """Return the account-days the protocol uses: those after `history` days, and before them the trusted cohort's.

    `sessions` is the folder of the world's session table (`playproof model training-table`).
    """
    rng = np.random.default_rng(seed)
    days = label_user_days(read_user_days(world), world)
    days["day"] = day_numbers(days["local_date"])
    flags = detect(days, seed)
    days[RULES], days[FOREST], days[HYBRID] = (flags[name] for name in ("rules_score", "forest_score", "score"))

    campaign = read_account_truth(world).set_index("user_id")["campaign_id"]
    days["group"] = number_groups(days["user_id"], days["user_id"].map(campaign))
    honest = np.sort(days.loc[days["account_family"] == HONEST, "user_id"].unique())
    trusted = rng.choice(honest, max(1, round(TRUSTED_SHARE * len(honest))), replace=False)
    days["is_trusted"] = days["user_id"].isin(trusted)

    # a bot's account may have days without a paid stream: camouflage, or the owner's own listening. They get a
    # separate line: as honest days they would be most of the one in a thousand that may be flagged
    is_unpaid = (days["label"] == 0) & (days["account_family"] != HONEST)
    days["line"] = np.select([is_unpaid, days["label"].isna()], [UNPAID, MIXED], "")
    days["label"] = days["label"].where(~is_unpaid)

    first = int(days["day"].min())
    chosen = days[(days["day"] >= first + history) | days["is_trusted"]].reset_index(drop=True)
    timezones = read_timezones(world)
    index = UserDayIndex(chosen["user_id"], chosen["day"].to_numpy(np.int64), timezones)
    features = chosen[list(USER_DAY_FEATURE_NAMES)].to_numpy(dtype=np.float64, na_value=np.nan)
    frame = chosen[[
        "user_id", "day", "label", "line", "family", "account_family", "campaign_id", "cohort", "group", "is_trusted",
        "plays", "streams", "paid_streams", RULES, FOREST, HYBRID,
    ]]  # fmt: skip
    return UserDays(
        frame, features, USER_DAY_FEATURE_NAMES, count_pairs(read_activity(world), index, len(chosen)),
        _sessions(sessions, index, world),
    )  # fmt: skip


def _check(file: Path, columns: list[str], command: str) -> None:
    """Raise WorldError where a table was made by another version of the features: parquet would only leave them out."""
    if missing := sorted(set(columns) - set(open_parquet(file).schema_arrow.names)):
        raise WorldError(f"{file.name} lacks {', '.join(missing)}: its features are of another version; run  {command}")


def _sessions(folder: Path, index: UserDayIndex, world: World) -> Sessions:
    """Read the session table; a session counts for the local day in which it ended."""
    file = folder / "part.parquet"
    command = f"playproof model training-table --world {world.name} --out {folder}"
    if not file.exists():
        raise WorldError(f"no session table of world {world.name} in {folder.name}: run  {command}")
    columns = ["user_id", "ended_at", "label", *FEATURE_NAMES]
    _check(file, columns, command)
    table = read_parquet(file, columns).to_pandas()
    row: Ints = index.rows(table["user_id"], epoch_ms(table["ended_at"]))
    matched = np.flatnonzero(row >= 0)
    order = matched[np.argsort(row[matched], kind="stable")]
    return Sessions(
        table[list(FEATURE_NAMES)].to_numpy(dtype=np.float64, na_value=np.nan)[order],
        table["streams"].to_numpy(dtype=np.int64)[order],
        table["label"].to_numpy(dtype=np.float64, na_value=np.nan)[order],
        row[order],
    )
