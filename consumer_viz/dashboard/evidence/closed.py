"""Hold what was still open when a person confirmed its account: once it has closed, and if it is suspected then.

An alert brings an account into the queue while it listens. Nothing of an open session can be held: its streams are
known when it closes.
"""

from collections import defaultdict

from consumer_viz.dashboard.decisions.actions import actions_of, add_action
from consumer_viz.dashboard.decisions.holds import Line, Step, hold_closed
from consumer_viz.dashboard.evidence.held import held_lines
from consumer_viz.dashboard.index.cases import Cases
from consumer_viz.dashboard.index.schema import SUSPECTED
from contracts.verdicts import CONFIRM

_CONFIRMED = """select case_id, user_id, step, verdict, reason_code, max(version), decided_at from {db}decisions
    where case_id = {case} and verdict = 'confirm' and step in ('decide', 'second_review')"""
_CLOSED = f"""select v.case_id, c.user_id, s.session_key from verdicts.standing v
    join cases c on c.case_id = v.case_id join alerts a on a.user_id = c.user_id
    join sessions s on s.session_key = a.session_key
    where v.verdict = 'confirm' and {SUSPECTED}
    and a.alerted_at <= (select decided_at from ({_CONFIRMED.format(db="verdicts.", case="v.case_id")}))"""
"""Suspected sessions that had an alert when their account was confirmed, of accounts that still are."""


class ClosedHolds:
    """Holds them; looks only when the index or the record of verdicts has changed."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._stamp: tuple[object, int, int] | None = None
        self._seen: set[str] = set()

    def sweep(self) -> int:
        """Hold what has closed since; return how many accounts got a hold."""
        index, store = self._cases.index, self._cases.store
        stamp = (index.path, index.stamp, store.stamp())
        if stamp == self._stamp:
            return 0
        users: dict[str, str] = {}
        keys: dict[str, set[str]] = defaultdict(set)
        with self._cases.reading() as db:
            for case_id, user_id, session_key in db.execute(_CLOSED):
                if session_key not in self._seen:
                    users[case_id] = user_id
                    keys[case_id].add(session_key)
        lines, count = held_lines(index, list(users.values())), 0
        for case_id, user_id in users.items():
            of_case = [line for line in lines.get(user_id, ()) if line.session_key in keys[case_id]]
            count += self._hold(case_id, of_case)
            self._seen |= keys[case_id]
        self._stamp = stamp
        return count

    def _hold(self, case_id: str, lines: list[Line]) -> bool:
        store = self._cases.store
        with store.writing() as (db, at):
            if db.execute("select verdict from standing where case_id = ?", (case_id,)).fetchone()[0] != CONFIRM:
                return False  # somebody decided just now
            confirmed = Step(*db.execute(_CONFIRMED.format(db="", case="?"), (case_id,)).fetchone())
            action = hold_closed(confirmed, lines, actions_of(db, case_id), at, store.policy.hold_days)
            if action is not None:
                add_action(db, action)
            return action is not None
