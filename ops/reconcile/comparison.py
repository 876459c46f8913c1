"""Compare the sessions that must be in the table with those that are."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ops.reconcile.expected_sessions import Sessions


@dataclass(frozen=True, slots=True)
class SessionDifference:
    """Two multisets of sessions compared."""

    missing: Sessions
    """Expected, and not in the table."""
    wrong: Sessions
    """In the table, and not expected."""
    duplicated: Sessions
    """Expected, and in the table more often than that."""

    def lost_rows(self, topic: str) -> int:
        """Count the rows of missing sessions that are not in a wrong session of the same account either."""
        rows_by_user: Counter[int] = Counter()
        for sessions, sign in ((self.missing, 1), (self.wrong, -1)):
            rows_of_sessions = getattr(sessions, f"{topic}_rows").tolist()
            for user, rows in zip(sessions.user_hash.tolist(), rows_of_sessions, strict=True):
                rows_by_user[user] += sign * rows
        return sum(rows for rows in rows_by_user.values() if rows > 0)


def compare_sessions(expected: Sessions, actual: Sessions) -> SessionDifference:
    """Compare sessions as multisets: accounts, times, row counts and the sums of the row ids' hashes."""
    expected_keys, actual_keys = expected.keys(), actual.keys()
    unmatched_expected, unmatched_actual = Counter(expected_keys), Counter(actual_keys)
    missing: list[int] = []
    wrong: list[int] = []
    duplicated: list[int] = []
    for i, key in enumerate(expected_keys):
        if unmatched_actual[key] > 0:
            unmatched_actual[key] -= 1
        else:
            missing.append(i)
    is_expected = set(expected_keys)
    for i, key in enumerate(actual_keys):
        if unmatched_expected[key] > 0:
            unmatched_expected[key] -= 1
        else:
            (duplicated if key in is_expected else wrong).append(i)
    return SessionDifference(
        expected.where(np.array(missing, np.int64)),
        actual.where(np.array(wrong, np.int64)),
        actual.where(np.array(duplicated, np.int64)),
    )
