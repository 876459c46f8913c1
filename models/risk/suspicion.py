"""How suspicious an account was before a session: what the looks at its sessions before left behind.

A session is looked at while it runs, and some bots show late what they are: one that plays whole tracks at the pace of
people, or hours without a pause. Where the looks before are remembered, the next session of the account is known from
its first look on. Only suspicious accounts are remembered, so the memory is as small as suspicion is rare.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from runtime.arrays import Bools, Floats, Ints
from runtime.units import HOUR_MS

MAX_AGE_MS = 48 * HOUR_MS
"""A session that begins later than this after the last look before knows nothing of it."""
LONGEST_SESSION_MS = 3 * HOUR_MS
"""Sessions are cut after so long: no look at one that begins within MAX_AGE_MS comes later than both together."""
MEMORY = np.dtype(
    [
        ("user", "<i8"), ("first_event_ms", "<i8"), ("at_ms", "<i8"), ("before", "<f4"), ("after", "<f4"),
        ("alerted", "?"),
    ]
)  # fmt: skip
"""A session: the hash of its account, its first event time, and when it was last looked at at a doubling of its rows.
Suspicion before the session, and after it if it ends there, in log-odds, NaN for none. Whether it had an alert."""
Memory = NDArray[np.void]
NOTHING: Memory = np.empty(0, MEMORY)


@dataclass(frozen=True, slots=True)
class LookMargins:
    """Looks at sessions, in the order of account, session and time, and what the rows alone say."""

    user: Ints
    """Hash of the account."""
    first_event_ms: Ints
    at_ms: Ints
    is_doubling: Bools
    """Whether a look is at a doubling of the rows. One at a silence may come after the next session has begun, so it
    leaves nothing behind: what a session knows must not depend on the micro-batches."""
    margin: Floats
    """Log-odds of a bot."""


@dataclass(slots=True)
class _Session:
    first_event_ms: int
    at_ms: int
    before: float
    after: float
    alerted: bool


def margins_of(looks: pd.DataFrame, margin: Floats) -> LookMargins:
    """Return the looks of a table, sorted by session and time, with what their rows say.

    Columns user_id, first_event_ms, at_ms and rows. A look at a silence is never at a doubling of the rows.
    """
    first_event_ms, at_ms, rows = (looks[name].to_numpy(np.int64) for name in ("first_event_ms", "at_ms", "rows"))
    return LookMargins(pd.factorize(looks["user_id"])[0], first_event_ms, at_ms, rows & (rows - 1) == 0, margin)


def follow(memory: Memory, looks: LookMargins) -> tuple[Floats, Memory]:
    """Return how suspicious the account of each look was before its session, NaN for not at all, and the memory then.

    A session leaves the mean of what was before and what its last look says, where that is over 0: over even odds.

    >>> looks = LookMargins(*map(np.array, ([7, 7], [0, 9000], [4000, 12000], [True, True], [3.0, -1.0])))
    >>> before, memory = follow(NOTHING, looks)
    >>> before.tolist(), memory["after"].tolist()
    ([nan, 3.0], [3.0, 1.0])
    """
    before = np.full(len(looks.user), np.nan)
    suspected = looks.user[looks.is_doubling & (looks.margin > 0)]
    sessions = _by_account(memory)
    for row in np.flatnonzero(np.isin(looks.user, np.concatenate([suspected, memory["user"]]))).tolist():
        first_ms, at_ms = int(looks.first_event_ms[row]), int(looks.at_ms[row])
        of_account = sessions.setdefault(int(looks.user[row]), {})
        session = of_account.get(first_ms)
        if session is None:
            suspicion = _left_behind(of_account, first_ms)
            session = of_account[first_ms] = _Session(first_ms, at_ms, suspicion, suspicion, False)
        if looks.is_doubling[row]:
            session.at_ms = at_ms
            session.after = _mean(session.before, float(looks.margin[row]))
        before[row] = session.before
    return before, _to_memory(sessions)


def forget(memory: Memory, open_sessions: NDArray[np.void], watermark_ms: int) -> Memory:
    """Leave out the closed sessions of which no later one can know any more.

    `open_sessions`: user and first_event_ms of each.
    """
    newest = np.append(memory["user"][1:] != memory["user"][:-1], True) if len(memory) else np.empty(0, bool)
    is_current = memory["at_ms"] + MAX_AGE_MS + LONGEST_SESSION_MS >= watermark_ms
    is_open = np.isin(memory[["user", "first_event_ms"]].astype(open_sessions.dtype), open_sessions)
    return memory[is_open | (newest & is_current & ~np.isnan(memory["after"]))]


def note_alerts(memory: Memory, looks: LookMargins, raised: Ints) -> Memory:
    """Add that looks by their index `raised` had an alert: at most one of a session, none that had one before."""
    sessions = _by_account(memory)
    for row in raised.tolist():
        first_ms, at_ms = int(looks.first_event_ms[row]), int(looks.at_ms[row])
        of_account = sessions.setdefault(int(looks.user[row]), {})
        of_account.setdefault(first_ms, _Session(first_ms, at_ms, np.nan, np.nan, False)).alerted = True
    return _to_memory(sessions)


def _by_account(memory: Memory) -> dict[int, dict[int, _Session]]:
    sessions: dict[int, dict[int, _Session]] = {}
    for user, *fields in memory.tolist():
        session = _Session(*fields)
        sessions.setdefault(user, {})[session.first_event_ms] = session
    return sessions


def _left_behind(of_account: dict[int, _Session], first_ms: int) -> float:
    """Return the suspicion after the last of an account's sessions before one; NaN for none, or one too long ago."""
    earlier = [session for session in of_account.values() if session.first_event_ms < first_ms]
    if not earlier:
        return np.nan
    last = max(earlier, key=lambda session: session.first_event_ms)
    return last.after if first_ms - last.at_ms <= MAX_AGE_MS else np.nan


def _mean(before: float, margin: float) -> float:
    """Return the suspicion after a look, rounded as the memory keeps it; NaN where it is not over 0."""
    mean = float(np.float32(margin if np.isnan(before) else (before + margin) / 2))
    return mean if mean > 0 else np.nan


def _to_memory(sessions: dict[int, dict[int, _Session]]) -> Memory:
    kept: list[tuple[Any, ...]] = [
        (user, one.first_event_ms, one.at_ms, one.before, one.after, one.alerted)
        for user, of_account in sessions.items()
        for one in of_account.values()
        if one.alerted or one.before > 0 or one.after > 0
    ]
    return np.sort(np.array(kept, MEMORY), order=["user", "first_event_ms"])
