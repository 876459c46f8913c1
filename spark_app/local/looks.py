"""A world's rows to every look that the stream would take at its sessions: the same functions, all at once."""

from collections.abc import Collection, Iterator, Sequence

import pandas as pd
import pyarrow as pa

from models.labels.truth import label_sessions
from runtime.world import World
from spark_app.local.rows import WorldRows, read_world_rows
from spark_app.local.sessions import narrow_rows, session_features
from spark_app.local.user_days import own_histories
from spark_app.stages.alerts.account_lookup import AccountLookup
from spark_app.stages.alerts.looks import Looks, due_looks
from spark_app.stages.alerts.prefix_features import PREFIX_FEATURES, find_accounts, prefix_batch, prefix_features
from spark_app.stages.session_step.step import close_all
from spark_app.stages.session_step.tracks import TrackLookup

LOOKS_AT_ONCE = 20_000
"""Looks whose rows are in memory at once; a look has 33 rows on average (docs/latency.md)."""
FOREVER_MS = 2**52
SESSION_IDENTITY = ["session_key", "user_id", "started_at", "ended_at"]


def look_table(rows: WorldRows, histories: pa.Table | None, unmeasurable: Collection[str] = ()) -> pd.DataFrame:
    """Return a row per look: session_key, user_id, first_event_ms, at_ms (its event time), rows, and PREFIX_FEATURES.

    Sorted by session and time. `histories`: tables of own histories with `as_of`, as `local.own_histories` makes them;
    None where none is known. `unmeasurable`: features that the world's source cannot tell.
    """
    closed = close_all(narrow_rows(rows, TrackLookup.from_table(rows.tracks)))
    event_ms = closed.rows["event_ms"].to_numpy()
    looks = due_looks(event_ms, closed.first, -FOREVER_MS, FOREVER_MS)
    user_ids = closed.rows["user_id"].combine_chunks().take(pa.array(looks.first)).to_pandas()
    identity = pd.DataFrame(
        {
            "session_key": user_ids + ":" + pd.Series(event_ms[looks.first]).astype(str),
            "user_id": user_ids,
            "first_event_ms": event_ms[looks.first],
            "at_ms": looks.at_ms,
            "rows": looks.last - looks.first + 1,
        }
    )
    accounts = AccountLookup.from_tables(rows.users, histories)
    features = pd.concat(list(_features(closed.rows, looks, accounts, unmeasurable)), ignore_index=True)
    return pd.concat([identity, features], axis=1)


def labelled_looks(worlds: Sequence[World]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the looks of simulated worlds (`look_table`), and their sessions with labels from truth.

    Keys and accounts of several worlds are told apart by the world's name. Raises WorldError.
    """
    looks, sessions = [], []
    for world in worlds:
        rows = read_world_rows(world)
        looks.append(look_table(rows, own_histories(rows), world.not_measurable))
        sessions.append(label_sessions(session_features(rows, None).select(SESSION_IDENTITY).to_pandas(), world))
        for table in (looks[-1], sessions[-1]):
            table[["session_key", "user_id"]] = f"{world.name}/" + table[["session_key", "user_id"]]
    return pd.concat(looks, ignore_index=True), pd.concat(sessions, ignore_index=True)


def _features(
    rows: pa.Table, looks: Looks, accounts: AccountLookup, unmeasurable: Collection[str]
) -> Iterator[pd.DataFrame]:
    for start in range(0, max(len(looks), 1), LOOKS_AT_ONCE):
        part = slice(start, start + LOOKS_AT_ONCE)
        some = Looks(looks.first[part], looks.last[part], looks.at_ms[part])
        known = find_accounts(accounts, rows, some)
        yield prefix_features(prefix_batch(rows, some), known, PREFIX_FEATURES, unmeasurable).to_pandas()
