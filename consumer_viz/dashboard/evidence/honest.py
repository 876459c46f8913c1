"""What honest accounts do: the features of their sessions and the shape of their plays."""

import numpy as np

from consumer_viz.dashboard.evidence.plays import GAP_EDGES_S, Shape, plays_of, shape_of
from consumer_viz.dashboard.index.cases import Cases
from runtime.arrays import Floats
from runtime.units import DAY_MS

HONEST_ACCOUNTS = 200
"""Accounts never flagged whose plays say what is usual."""


class Usual:
    """What honest accounts do: their sessions' features and the shape of their plays. Read once, then kept."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._features: tuple[int, Floats] = (-1, np.empty((0, 0)))
        self._shape: tuple[int, Shape] = (-1, Shape(np.zeros(len(GAP_EDGES_S) - 1), np.zeros(24), 0))

    def features(self) -> Floats:
        """Return features of up to 5,000 sessions of accounts without a flag, as (sessions, features)."""
        size = self._size()
        if self._features[0] != size:
            query = """select s.features from sessions s join cases c using (user_id)
                where c.flagged = 0 and not s.is_flagged limit 5000"""
            with self._cases.index.read() as db:
                rows = [np.frombuffer(row[0], np.float32) for row in db.execute(query)]
            self._features = (size, np.array(rows, dtype=np.float64))
        return self._features[1]

    def shape(self) -> Shape:
        """Return the shape of the plays of some accounts that were never flagged."""
        size = self._size()
        if self._shape[0] != size:
            query = """select c.user_id, u.timezone, min(s.started_ms), max(s.ended_ms) from cases c
                join sessions s using (user_id) left join users u using (user_id)
                where c.flagged = 0 group by 1 order by c.case_id limit ?"""
            with self._cases.index.read() as db:
                rows = [tuple(row) for row in db.execute(query, (HONEST_ACCOUNTS,))]
            if rows:
                zones = {row[0]: row[1] for row in rows}
                last = max(row[3] for row in rows)
                first = max(min(row[2] for row in rows), last - DAY_MS)
                plays = plays_of(self._cases.index.world.unit, list(zones), first, last)
                self._shape = (size, shape_of(plays, zones))
        return self._shape[1]

    def _size(self) -> int:
        """Return what changes when the index has grown tenfold: what is usual need not be read anew for each file."""
        with self._cases.index.read() as db:
            return len(str(db.execute("select coalesce(max(rowid), 0) from sessions").fetchone()[0]))
