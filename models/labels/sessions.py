"""Label sessions from truth. A label says what the simulator made; it is never a rule over features.

A session is positive where it has a paid-for stream and at least PAID_SHARE_POSITIVE of its streams are paid for. With
a smaller share it is `mixed`: left out of training, and reported on a separate line. Without any it is negative.
"""

from collections.abc import Iterable
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.labels import PAID_SHARE_POSITIVE
from models.labels.paid_streams import MIXED, NEGATIVE, POSITIVE, count_paid_streams
from models.tables.times import epoch_ms

_USER_STEP = 1 << 44
"""Distance between two accounts in one sortable integer of account and time: 2^44 ms reach to the year 2527."""


def find_sessions(sessions: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each row the position of its session in `sessions`, or -1 where it is in none.

    `sessions` has user_id, started_at, ended_at; `rows` has user_id, event_time. The sessions of one account do not
    overlap in event_time. So a row belongs to the session of its account with the smallest ended_at >= event_time, if
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
    position = np.searchsorted(keys[order], row_user * _USER_STEP + event_ms, side="left")
    session = order[np.minimum(position, len(order) - 1)]
    is_inside = (position < len(order)) & (session_user[session] == row_user) & (event_ms >= started_ms[session])
    return np.where(is_inside, session, -1)


def session_labels(sessions: pd.DataFrame, plays: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the labels of sessions, from the truth of their plays.

    `sessions`: user_id, session_key, started_at, ended_at. `plays`: see `count_paid_streams`.

    Returns one row per session, in the same order: session_key, user_id, label (1, 0, NaN = mixed) and the columns of
    `count_paid_streams`. `attrs["rows_outside"]` is the number of plays in no session.
    """
    counted = count_paid_streams(plays, partial(find_sessions, sessions), len(sessions))
    labels = sessions[["session_key", "user_id"]].reset_index(drop=True)
    labels["label"] = _label(counted["true_streams"].to_numpy(), counted["paid_streams"].to_numpy())
    labels = pd.concat([labels, counted], axis=1)
    labels.attrs |= counted.attrs
    return labels


def _label(streams: NDArray[np.int64], paid: NDArray[np.int64]) -> NDArray[np.float64]:
    """Label sessions by their number of streams and of paid-for streams.

    >>> _label(np.array([0, 4, 4, 4]), np.array([0, 0, 1, 2])).tolist()
    [0.0, 0.0, nan, 1.0]
    """
    share = paid / np.maximum(streams, 1)
    return np.select([paid == 0, share >= PAID_SHARE_POSITIVE], [NEGATIVE, POSITIVE], MIXED)
