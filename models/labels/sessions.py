"""Label sessions from truth. Labels are generator identity: what the simulator made, never a rule over features.

A session is positive if it has a paid-for stream and at least PAID_SHARE_POSITIVE of its streams are paid for; with
fewer it is `mixed`, left out of training and reported on its own line; without any it is negative.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.events import STREAM_MS
from contracts.labels import HONEST, PAID_SHARE_POSITIVE

POSITIVE, NEGATIVE, MIXED = 1.0, 0.0, float("nan")

_USER_STEP = 1 << 44
"""Room for a time in ms beside the account in one sortable integer: 2^44 ms reach to the year 2527."""


def epoch_ms(times: pd.Series) -> NDArray[np.int64]:
    """Read timestamps, naive ones as UTC (Spark writes them so), as epoch milliseconds.

    >>> epoch_ms(pd.Series(pd.to_datetime(["1970-01-01T00:00:01.5Z"]))).tolist()
    [1500]
    """
    return pd.to_datetime(times, utc=True).dt.tz_localize(None).to_numpy("datetime64[ms]").astype("int64")


def assign_sessions(sessions: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each row the position of its session in `sessions`, or -1 where it is in none.

    `sessions` has user_id, started_at, ended_at; `rows` has user_id, event_time. The sessions of one account are
    disjoint in event_time, so a row belongs to the one of its account with the smallest ended_at >= event_time, if
    that session had begun by then.
    """
    if sessions.empty or rows.empty:
        return np.full(len(rows), -1, dtype=np.int64)
    users = pd.Index(sessions["user_id"].unique())
    started_ms, ended_ms = epoch_ms(sessions["started_at"]), epoch_ms(sessions["ended_at"])
    session_user = users.get_indexer(sessions["user_id"]).astype(np.int64)
    keys = session_user * _USER_STEP + ended_ms
    order = np.argsort(keys, kind="stable")

    row_user = users.get_indexer(rows["user_id"]).astype(np.int64)
    event_ms = epoch_ms(rows["event_time"])
    found = np.searchsorted(keys[order], row_user * _USER_STEP + event_ms, side="left")
    session = order[np.minimum(found, len(order) - 1)]
    is_inside = (found < len(order)) & (session_user[session] == row_user) & (event_ms >= started_ms[session])
    return np.where(is_inside, session, -1)


def labels_of(sessions: pd.DataFrame, blocks: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Label sessions by the truth of their plays.

    `sessions`: user_id, session_key, started_at, ended_at. `blocks`: plays with their truth, any number of rows at a
    time: user_id, event_time, listen_ms, family, campaign_id, is_paid.

    Returns one row per session, in the same order: session_key, user_id, label (1, 0, NaN = mixed), family and
    campaign_id (the commonest among its paid-for streams; honest and None without any), true_plays, true_streams,
    paid_streams. `attrs["rows_outside"]` counts the plays in no session.
    """
    counts = np.zeros((len(sessions), 3), dtype=np.int64)  # plays, streams, paid-for streams
    outside = 0
    paid: list[pd.DataFrame] = []
    for rows in blocks:
        session = assign_sessions(sessions, rows)
        inside = session >= 0
        outside += int((~inside).sum())
        is_stream = inside & (rows["listen_ms"].to_numpy() >= STREAM_MS)
        is_paid = is_stream & rows["is_paid"].to_numpy(dtype=bool)
        for column, mask in enumerate((inside, is_stream, is_paid)):
            counts[:, column] += np.bincount(session[mask], minlength=len(sessions))
        bought = rows.loc[is_paid, ["family", "campaign_id"]].assign(session=session[is_paid])
        paid.append(bought.groupby(["session", "family", "campaign_id"], dropna=False).size().reset_index(name="n"))

    labels = sessions[["session_key", "user_id"]].reset_index(drop=True)
    labels["label"] = _labels(streams=counts[:, 1], paid=counts[:, 2])
    labels[["family", "campaign_id"]] = _majority(paid, len(sessions))
    labels["true_plays"], labels["true_streams"], labels["paid_streams"] = counts.T
    labels.attrs["rows_outside"] = outside
    return labels


def _labels(streams: NDArray[np.int64], paid: NDArray[np.int64]) -> NDArray[np.float64]:
    """Label by counts.

    >>> _labels(np.array([0, 4, 4, 4]), np.array([0, 0, 1, 2])).tolist()
    [0.0, 0.0, nan, 1.0]
    """
    share = paid / np.maximum(streams, 1)
    return np.select([paid == 0, share >= PAID_SHARE_POSITIVE], [NEGATIVE, POSITIVE], MIXED)


def _majority(paid: list[pd.DataFrame], sessions: int) -> pd.DataFrame:
    """Return (family, campaign_id) by session: those of most paid-for streams, the first by name in a tie."""
    result = pd.DataFrame({"family": HONEST, "campaign_id": None}, index=range(sessions), dtype=object)
    if paid:
        keys = ["session", "family", "campaign_id"]
        counts = pd.concat(paid).groupby(keys, dropna=False)["n"].sum().reset_index()
        top = counts.sort_values(["n", "family", "campaign_id"], ascending=[False, True, True])
        top = top.drop_duplicates("session").set_index("session")
        result.loc[top.index, ["family", "campaign_id"]] = top[["family", "campaign_id"]].to_numpy(dtype=object)
    return result
