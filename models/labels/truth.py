"""Read what a world knows: its truth beside its raw plays, and the sessions its job wrote."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.events import PLAYS
from models.labels.sessions import labels_of
from models.labels.user_days import day_labels_of
from runtime.lake import committed_files
from runtime.world import World, WorldError

_TRUTH = ["row_id", "user_id", "event_time", "family", "campaign_id", "is_paid"]


def read_sessions(table: Path, columns: list[str]) -> pd.DataFrame:
    """Read columns of the committed sessions. Raises WorldError where there are none."""
    files = committed_files(table)
    if not files:
        raise WorldError(f"no sessions are committed in {table.name} yet: run  playproof up  and  playproof replay")
    # one file at a time: the day stands in the path, and read together it would become a column of its own
    parts = [pq.ParquetFile(file).read(columns=columns) for file in files]
    return pa.concat_tables(parts, promote_options="permissive").to_pandas()


def paid_plays(world: World) -> Iterator[pd.DataFrame]:
    """Yield the plays of a world with their truth, one raw file at a time.

    Columns: user_id, event_time, listen_ms, family, campaign_id, is_paid. Truth stands in the order of raw, which is
    checked by id. Raises WorldError.
    """
    for raw in world.raw_files(PLAYS):
        truth = world.truth(PLAYS) / raw.parent.name / raw.name
        if not truth.exists():
            raise WorldError(
                f"world {world.name} has no truth for plays of {raw.parent.name} (an imported world has none): "
                f"expected truth/{PLAYS}/{raw.parent.name}/{raw.name}"
            )
        plays = pq.ParquetFile(raw).read(columns=["play_id", "listen_ms"])
        rows = pq.ParquetFile(truth).read(columns=_TRUTH)
        if not plays["play_id"].cast(pa.string()).equals(rows["row_id"].cast(pa.string())):
            raise WorldError(
                f"truth and raw plays of {raw.parent.name} in world {world.name} are not the same rows in the same "
                f"order: run  playproof simulate --world {world.name}"
            )
        frame = rows.drop_columns(["row_id"]).to_pandas()
        frame["listen_ms"] = plays["listen_ms"].cast(pa.int64()).to_pandas()
        yield frame


def users(world: World) -> pd.DataFrame:
    """Read truth about accounts: user_id, family, campaign_id, cohort. Raises WorldError."""
    path = world.truth("users.parquet")
    if not path.exists():
        raise WorldError(f"world {world.name} has no truth/users.parquet (an imported world has no truth)")
    return pq.ParquetFile(path).read(columns=["user_id", "family", "campaign_id", "cohort"]).to_pandas()


def label_sessions(sessions: pd.DataFrame, world: World) -> pd.DataFrame:
    """Add to sessions of a world what truth says of them.

    Takes session_key, user_id, started_at, ended_at and any other columns; adds label, family, campaign_id,
    true_plays, true_streams and paid_streams (see `labels_of`) and cohort (of the account).
    """
    labels = labels_of(sessions, paid_plays(world))
    labels["cohort"] = labels["user_id"].map(users(world).set_index("user_id")["cohort"])
    added = labels.drop(columns=["session_key", "user_id"])
    labelled = pd.concat([sessions.reset_index(drop=True), added], axis=1)
    labelled.attrs |= labels.attrs
    return labelled


def label_user_days(table: pd.DataFrame, world: World) -> pd.DataFrame:
    """Add to user-days of a world what truth says of them.

    Takes user_id, local_date and any other columns; adds label, family, campaign_id, true_plays, true_streams and
    paid_streams (see `day_labels_of`), and of the account its cohort and account_family. A hijacked account has
    negative days before its moment, since truth is per play.
    """
    accounts = pq.ParquetDataset(world.static("users")).read(columns=["user_id", "timezone"]).to_pandas()
    labels = day_labels_of(table, paid_plays(world), accounts.set_index("user_id")["timezone"])
    known = users(world).set_index("user_id")
    labels["cohort"] = table["user_id"].map(known["cohort"]).to_numpy()
    labels["account_family"] = table["user_id"].map(known["family"]).to_numpy()
    labelled = pd.concat([table.reset_index(drop=True), labels], axis=1)
    labelled.attrs |= labels.attrs
    return labelled
