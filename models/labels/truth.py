"""Read the truth of a world, which lies next to its raw plays, and label sessions and user-days with it."""

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from contracts.events import PLAYS
from contracts.labels import HONEST
from models.labels.sessions import session_labels
from models.labels.user_days import user_day_labels
from models.tables.static_tables import read_timezones
from runtime.parquet import read_parquet
from runtime.world import World, WorldError

_TRUTH = ["row_id", "user_id", "event_time", "family", "campaign_id", "is_paid"]


def read_plays_with_truth(world: World) -> Iterator[pd.DataFrame]:
    """Yield the plays of a world with their truth, one raw file at a time.

    Columns: user_id, event_time, listen_ms, family, campaign_id, is_paid. The rows of truth are in the order of the raw
    rows, which is checked by id. Raises WorldError.
    """
    for raw in world.raw_files(PLAYS):
        truth = world.truth(PLAYS) / raw.parent.name / raw.name
        if not truth.exists():
            raise WorldError(
                f"world {world.name} has no truth for plays of {raw.parent.name} (an imported world has none): "
                f"expected truth/{PLAYS}/{raw.parent.name}/{raw.name}"
            )
        plays = read_parquet(raw, ["play_id", "listen_ms"])
        rows = read_parquet(truth, _TRUTH)
        if not plays["play_id"].cast(pa.string()).equals(rows["row_id"].cast(pa.string())):
            raise WorldError(
                f"truth and raw plays of {raw.parent.name} in world {world.name} are not the same rows in the same "
                f"order: run  playproof simulate --world {world.name}"
            )
        frame = rows.drop_columns(["row_id"]).to_pandas()
        frame["listen_ms"] = plays["listen_ms"].cast(pa.int64()).to_pandas()
        yield frame


def read_account_truth(world: World) -> pd.DataFrame:
    """Read the truth about accounts: user_id, family, campaign_id, cohort. Raises WorldError."""
    path = world.truth("users.parquet")
    if not path.exists():
        raise WorldError(f"world {world.name} has no truth/users.parquet (an imported world has no truth)")
    return read_parquet(path, ["user_id", "family", "campaign_id", "cohort"]).to_pandas()


def paid_family(accounts: pd.DataFrame) -> pd.Series:
    """Return the family of each account (family, campaign_id); HONEST where no campaign pays it.

    >>> paid_family(pd.DataFrame({"family": ["farm", "farm"], "campaign_id": ["c1", None]})).tolist()
    ['farm', 'honest']
    """
    return accounts["family"].where(accounts["campaign_id"].notna(), HONEST)


def label_sessions(sessions: pd.DataFrame, world: World) -> pd.DataFrame:
    """Add labels from truth to the sessions of a world.

    `sessions` has session_key, user_id, started_at, ended_at and any other columns. Adds label, family, campaign_id,
    true_plays, true_streams and paid_streams (see `session_labels`), and cohort, that of the account. Raises WorldError
    where the world has no truth.
    """
    labels = session_labels(sessions, read_plays_with_truth(world))
    labels["cohort"] = labels["user_id"].map(read_account_truth(world).set_index("user_id")["cohort"])
    added = labels.drop(columns=["session_key", "user_id"])
    labelled = pd.concat([sessions.reset_index(drop=True), added], axis=1)
    labelled.attrs |= labels.attrs
    return labelled


def label_user_days(table: pd.DataFrame, world: World) -> pd.DataFrame:
    """Add labels from truth to the user-days of a world.

    `table` has user_id, local_date and any other columns. Adds label, family, campaign_id, true_plays, true_streams and
    paid_streams (see `user_day_labels`), and of the account its cohort and account_family. Truth is per play, so a
    hijacked account has negative days before it was hijacked. Raises WorldError where the world has no truth.
    """
    labels = user_day_labels(table, read_plays_with_truth(world), read_timezones(world))
    accounts = read_account_truth(world).set_index("user_id")
    labels["cohort"] = table["user_id"].map(accounts["cohort"]).to_numpy()
    labels["account_family"] = table["user_id"].map(accounts["family"]).to_numpy()
    labelled = pd.concat([table.reset_index(drop=True), labels], axis=1)
    labelled.attrs |= labels.attrs
    return labelled
