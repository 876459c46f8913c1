"""The simulator's inner tables as arrays of codes: sessions, plays, activity; nothing is text before it is written."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.events import ACTIVITY, PLAYS

Array = NDArray[Any]
Columns = dict[str, Array]
"""Columns of equal length by name."""

SESSION_DTYPES: dict[str, str] = {
    "user": "i4",
    "start": "i8",  # ms since the epoch
    "n_plays": "i4",
    "device": "i4",
    "device_type": "u1",
    "drm": "u1",
    "cdm": "u1",
    "codec": "u1",
    "ip": "i4",
    "country": "u1",
    "network": "u1",
    "context_type": "u1",
    "context": "i4",
    "shuffle": "?",
    "role": "u1",  # the activity chain's role
    "family": "u1",  # 0 is honest, else 1 + index in the registry
    "campaign": "i4",  # -1 is none
}
"""Sessions get more on their way: `session`, their id, and when they `opened` and `closed`, ms since the epoch."""
PLAY_DTYPES: dict[str, str] = {
    "session": "i8",  # row of the session table
    "track": "i4",
    "listen": "i4",  # ms
    "end": "i8",  # ms since the epoch
    "reason_start": "u1",
    "reason_end": "u1",
    "is_paid": "?",
}
ROW_DTYPES: dict[str, dict[str, str]] = {
    PLAYS: {
        "time": "i8", "id": "u8", "session": "i4", "track": "i4", "listen": "i4", "reason_start": "u1",
        "reason_end": "u1", "is_paid": "?",
    },
    ACTIVITY: {"time": "i8", "id": "u8", "session": "i4", "item": "i4", "action": "u1", "is_paid": "?"},
}  # fmt: skip
"""Rows of the topics, without what their session says."""


def empty(dtypes: Mapping[str, str]) -> Columns:
    """Return a table without rows."""
    return {name: np.empty(0, dtype) for name, dtype in dtypes.items()}


def size(table: Columns) -> int:
    """Count the rows."""
    return len(next(iter(table.values())))


def take(table: Columns, index: Array) -> Columns:
    """Select rows by position or mask."""
    where = np.flatnonzero(index) if index.dtype == bool else index
    return {name: column.take(where) for name, column in table.items()}


def stack(tables: list[Columns], dtypes: Mapping[str, str]) -> Columns:
    """Append tables, cast to the types given."""
    if not tables:
        return empty(dtypes)
    return {name: np.concatenate([t[name] for t in tables]).astype(dtype, copy=False) for name, dtype in dtypes.items()}


def position(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Number the members of consecutive groups from 0.

    >>> position(np.array([2, 3]))
    array([0, 1, 0, 1, 2])
    """
    starts = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) - np.repeat(starts, counts)


def running(values: NDArray[np.int64], counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Sum cumulatively inside consecutive groups.

    >>> running(np.array([1, 2, 5, 5]), np.array([2, 2]))
    array([ 1,  3,  5, 10])
    """
    total = np.cumsum(values)
    first = np.cumsum(counts) - counts
    before = np.where(first > 0, total[np.maximum(first, 1) - 1], 0)
    return total - np.repeat(before, counts)
