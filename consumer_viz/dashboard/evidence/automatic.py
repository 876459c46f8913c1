"""Hold the streams of sessions over a set score before anybody decided: off unless PLAYPROOF_AUTO_HOLD_SCORE is set.

A share of the accounts is reviewed blind, drawn by the world's key (`index.sampling`): whether such holds are right is
measured, not assumed.
"""

from collections import defaultdict

from consumer_viz.dashboard.decisions.actions import actions_of, add_action
from consumer_viz.dashboard.decisions.holds import hold_over_threshold
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.evidence.held import held_lines
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.index.sampling import case_id

MAX_PER_SWEEP = 1000
"""Accounts held in one transaction: a decision waits meanwhile."""


class AutomaticHolds:
    """Holds what is new in the index since it looked last; from the beginning after a restart, where nothing is new."""

    def __init__(self, index: CaseIndex, store: VerdictStore) -> None:
        self._index, self._store = index, store
        self._seen: tuple[object, int] = (None, 0)

    def sweep(self) -> int:
        """Hold the sessions over the threshold that are not held yet; return how many accounts got a hold."""
        score = self._store.policy.auto_hold_score
        if score is None:
            return 0
        path, seen = self._index.path, self._seen[1] if self._seen[0] == self._index.path else 0
        query = """select rowid, user_id from sessions where is_flagged and score >= ? and rowid > ? order by rowid"""
        with self._index.read() as db:
            rows = db.execute(query, (score, seen)).fetchall()
        users = list(dict.fromkeys(str(row["user_id"]) for row in rows))
        held = sum(self._hold(users[n : n + MAX_PER_SWEEP], score) for n in range(0, len(users), MAX_PER_SWEEP))
        self._seen = (path, max((int(row["rowid"]) for row in rows), default=seen))
        return held

    def _hold(self, users: list[str], score: float) -> int:
        over = self._sessions_over(users, score)
        lines = {
            user: [line for line in of_user if line.session_key in over[user]]
            for user, of_user in held_lines(self._index, users).items()
        }
        count, policy = 0, self._store.policy
        with self._store.writing() as (db, at):
            for user, of_user in lines.items():
                case = case_id(user)
                row = db.execute("select verdict from standing where case_id = ?", (case,)).fetchone()
                action = hold_over_threshold(
                    case, user, row[0] if row else None, of_user, actions_of(db, case), at, policy.auto_hold_days
                )
                if action is not None:
                    add_action(db, action)
                    count += 1
        return count

    def _sessions_over(self, users: list[str], score: float) -> dict[str, set[str]]:
        over: dict[str, set[str]] = defaultdict(set)
        query = "select user_id, session_key from sessions where is_flagged and score >= ? and user_id = ?"
        with self._index.read() as db:
            for user in users:
                over[user] = {row["session_key"] for row in db.execute(query, (score, user))}
        return over
