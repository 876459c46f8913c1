"""Which rows make a session: the one place that says so, for the stream, the batch commands and the audit."""

from dataclasses import dataclass

import numpy as np

from runtime.arrays import Bools, Ints
from spark_app.stages.sessions.session_rows import CUT_MS, MAX_SESSION_ROWS, SESSION_GAP_MS


@dataclass(frozen=True, slots=True)
class SessionOrder:
    """Rows in the order of their sessions."""

    order: Ints
    """Indices of the rows that count, sorted by account, event time, id and topic."""
    begins: Bools
    """Which of `order` begin a session."""
    duplicates: Ints
    """Indices of the rows that repeat another one; they are not in `order`."""

    @property
    def first(self) -> Ints:
        """Positions in `order` where a session begins."""
        return np.flatnonzero(self.begins)

    @property
    def sizes(self) -> Ints:
        """The number of rows of each session."""
        return np.diff(self.first, append=len(self.order))

    @property
    def are_full(self) -> Bools:
        """Which sessions take no later row: with the first row of a later time the next one begins."""
        return self.sizes >= MAX_SESSION_ROWS


def find_sessions(account: Ints, user: Ints, event_ms: Ints, topic: Ints, id_hash: Ints) -> SessionOrder:
    """Sort rows into sessions. `account` numbers the accounts; `user` is the hash that their cuts are spread by.

    A row with the account, time, topic and id of another one is a duplicate; the first given counts. A session begins
    where the account changes, after a gap of more than 30 minutes, at the account's 3-h cut, and with the first time
    after MAX_SESSION_ROWS.

    >>> ms = np.array([9, 0, SESSION_GAP_MS + 10, 9])
    >>> found = find_sessions(*(np.zeros(4, np.int64),) * 2, ms, np.zeros(4, np.int64), np.array([1, 2, 3, 1]))
    >>> found.order.tolist(), found.begins.tolist(), found.duplicates.tolist()
    ([1, 0, 2], [True, False, True], [3])
    """
    order = np.lexsort((topic, id_hash, event_ms, account))
    keys = [values[order] for values in (account, event_ms, id_hash, topic)]
    repeats = np.ones(len(order), bool)
    repeats[:1] = False
    for values in keys:
        repeats[1:] &= values[1:] == values[:-1]
    duplicates = order[repeats]
    if len(duplicates):
        order = order[~repeats]
    owner, ms = account[order], event_ms[order]
    cut = (ms + np.mod(user[order], CUT_MS)) // CUT_MS
    begins = np.ones(len(order), bool)
    begins[1:] = (owner[1:] != owner[:-1]) | (cut[1:] != cut[:-1]) | (np.diff(ms) > SESSION_GAP_MS)
    _cut_large(begins, ms)
    return SessionOrder(order, begins, duplicates)


def _cut_large(begins: Bools, ms: Ints) -> None:
    """Let sessions of too many rows end. Rows of one time stay together: by its first time a session has its key."""
    first = np.flatnonzero(begins)
    ends = np.append(first[1:], len(begins))[: len(first)]
    for start, end in np.column_stack([first, ends])[ends - first > MAX_SESSION_ROWS].tolist():
        begin, later = start, start + 1 + np.flatnonzero(np.diff(ms[start:end]))
        while (place := np.searchsorted(later, begin + MAX_SESSION_ROWS)) < len(later):
            begin = later[place]
            begins[begin] = True
