"""What is usual: the session features and the play pattern of accounts that were never flagged."""

import numpy as np

from consumer_viz.dashboard.evidence.plays import GAP_EDGES_S, PlayPattern, play_pattern, read_plays
from consumer_viz.dashboard.evidence.reasons import HIGH_PERCENTILE, LOW_PERCENTILE
from consumer_viz.dashboard.index.cases import Cases
from contracts.features import FEATURE_NAMES
from runtime.arrays import Floats
from runtime.units import DAY_MS

MAX_ACCOUNTS = 200
"""Accounts whose plays are read."""
MAX_SESSIONS = 5000
"""Sessions whose features are read."""


class HonestBaseline:
    """Reads what is usual once, and again when the index has grown tenfold."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._features: tuple[int, Floats] = (-1, np.empty((0, 0)))
        self._range: tuple[Floats | None, Floats, Floats] = (None, np.empty(0), np.empty(0))
        self._pattern: tuple[int, PlayPattern] = (-1, PlayPattern(np.zeros(len(GAP_EDGES_S) - 1), np.zeros(24)))

    def features(self) -> Floats:
        """Return the features of sessions of accounts without a flag, as (sessions, features)."""
        size = self._size()
        if self._features[0] != size:
            query = """select s.features from sessions s join cases c using (user_id)
                where c.flagged = 0 and not s.is_flagged limit ?"""
            with self._cases.index.read() as db:
                rows = [np.frombuffer(row[0], np.float32) for row in db.execute(query, (MAX_SESSIONS,))]
            self._features = (size, np.array(rows, dtype=np.float64))
        return self._features[1]

    def usual_range(self) -> tuple[Floats, Floats]:
        """Return the ends of what nine in ten honest sessions have, by feature; NaN where that is not known."""
        honest = self.features()
        if self._range[0] is not honest:
            unknown = np.full(len(FEATURE_NAMES), np.nan)
            low, high = unknown.copy(), unknown.copy()
            for column, values in enumerate(honest.T):
                if len(known := values[np.isfinite(values)]):
                    low[column], high[column] = np.percentile(known, (LOW_PERCENTILE, HIGH_PERCENTILE))
            self._range = (honest, low, high)
        return self._range[1:]

    def pattern(self) -> PlayPattern:
        """Return the play pattern of the accounts without a flag, over their last day."""
        size = self._size()
        if self._pattern[0] != size:
            query = """select c.user_id, u.timezone, min(s.started_ms), max(s.ended_ms) from cases c
                join sessions s using (user_id) left join users u using (user_id)
                where c.flagged = 0 group by 1 order by c.case_id limit ?"""
            with self._cases.index.read() as db:
                rows = [tuple(row) for row in db.execute(query, (MAX_ACCOUNTS,))]
            if rows:
                zones = {row[0]: row[1] for row in rows}
                last = max(row[3] for row in rows)
                first = max(min(row[2] for row in rows), last - DAY_MS)
                plays = read_plays(self._cases.index.world.unit, list(zones), first, last)
                self._pattern = (size, play_pattern(plays, zones))
        return self._pattern[1]

    def _size(self) -> int:
        """Return the number of digits of the count of sessions: it changes when the index has grown tenfold."""
        with self._cases.index.read() as db:
            return len(str(db.execute("select coalesce(max(rowid), 0) from sessions").fetchone()[0]))
