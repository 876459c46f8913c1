"""Queries of the case index and the verdicts together: one case, the lists of the queue, their counts."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.index.queue_lists import ORDERS, RING_LISTS, TABS, rings_in, single_in


@dataclass(frozen=True, slots=True)
class Case:
    """One account and its latest verdict: a row of the queue."""

    case_id: str
    user_id: str
    drawn_by: str
    draw_probability: float
    sessions: int
    flagged: int
    streams: int
    eur: float
    probability: float
    risk: float
    model_version: str | None
    last_scored_at: str | None
    seq: int
    country: str | None
    plan: str | None
    timezone: str | None
    version: int
    """Of the latest verdict; 0 without one."""
    verdict: str | None
    reason_code: str | None
    step: str | None
    analyst: str | None
    decided_at: str | None
    first_flagged_at: str | None
    """When its first flagged session was scored; without one when the daily run flagged it."""
    assignee: str | None
    hold_until: str | None
    is_escalated: int | None
    acted_at: str | None
    """When the newest action about its money was made."""

    @property
    def is_kept(self) -> bool:
        """Whether only the record of verdicts knows it: its rows of the lake are gone."""
        return not (self.seq or self.sessions or self.probability or self.first_flagged_at)

    @property
    def is_decided(self) -> bool:
        return self.verdict not in (None, "open")

    @property
    def is_proposed(self) -> bool:
        """Whether it was confirmed once and waits for a second person."""
        return self.verdict == "proposed"

    @property
    def is_hidden(self) -> bool:
        """Whether score and reasons must not be shown: the case is reviewed blind, and somebody is still to decide it.

        A second reviewer is to see what the first one saw, and so is whoever decides a case that needed more.
        """
        return self.drawn_by in ("blind", "random") and self.verdict not in ("confirm", "dismiss")

    @property
    def is_back(self) -> bool:
        """Whether sessions were flagged after the case was dismissed."""
        return self.verdict == "dismiss" and (self.last_scored_at or "") > (self.decided_at or "")

    @property
    def is_flagged_since(self) -> bool:
        """Whether it was flagged again after it was confirmed and its streams were held: the later ones are not."""
        return self.verdict == "confirm" and (self.last_scored_at or "") > (self.acted_at or self.decided_at or "")


CASE_COLUMNS = """c.case_id, c.user_id, coalesce(c.drawn_by, 'none') as drawn_by, c.draw_probability, c.sessions,
    c.flagged, c.streams, c.eur, c.probability, c.risk, c.model_version, c.last_scored_at, c.seq, u.country, u.plan,
    u.timezone, coalesce(v.version, 0) as version, v.verdict, v.reason_code, v.step, v.analyst, v.decided_at,
    c.first_flagged_at, w.assignee, w.hold_until, w.is_escalated,
    (select max(m.created_at) from verdicts.actions m where m.case_id = c.case_id) as acted_at"""
FROM_CASES = """from cases c left join verdicts.standing v on v.case_id = c.case_id
    left join verdicts.work w on w.subject = c.case_id left join users u on u.user_id = c.user_id"""


class Cases:
    """Reads the index and the verdicts; writes neither."""

    def __init__(self, index: CaseIndex, store: VerdictStore) -> None:
        self.index = index
        self.store = store
        self._cached_counts: tuple[tuple[int, tuple[int, int, str]], dict[str, int]] | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open the index for reading, with the verdicts attached as `verdicts`."""
        with self.index.read() as db:
            db.create_function("today", 0, lambda: self.store.now_text()[:10])
            db.execute("attach database ? as verdicts", (f"{self.store.path.resolve().as_uri()}?mode=ro",))
            yield db

    def queue(self, tab: str, limit: int, offset: int = 0) -> list[Case]:
        """Return `limit` cases of one list of the queue, a key of TABS; members of rings are among them."""
        query = f"select {CASE_COLUMNS} {FROM_CASES} where {TABS[tab][1]} order by {ORDERS[tab]} limit ? offset ?"
        with self.reading() as db:
            return [case_of_row(row) for row in db.execute(query, (limit, offset))]

    def one(self, case_id: str) -> Case | None:
        """Return a case; accounts that are not reviewed have one too."""
        with self.reading() as db:
            row = db.execute(f"select {CASE_COLUMNS} {FROM_CASES} where c.case_id = ?", (case_id,)).fetchone()
            return case_of_row(row) if row else None

    def of_account(self, user_id: str) -> str | None:
        """Return the id of an account's case."""
        with self.index.read() as db:
            row = db.execute("select case_id from cases where user_id = ?", (user_id,)).fetchone()
            return row[0] if row else None

    def counts(self) -> dict[str, int]:
        """Return the number of rows in each list; counted again only when something changed.

        A ring with members to decide is one row of the suspected ones.
        """
        stamp = (self.index.stamp, self.store.change_stamp())
        if self._cached_counts is None or self._cached_counts[0] != stamp:
            with self.reading() as db:
                from_cases = FROM_CASES.partition(" left join users")[0]
                counts = {
                    tab: _number(db, f"select count(*) {from_cases} where {where} and {single_in(tab)}")
                    + (_number(db, f"select count(*) from ({rings_in(tab)})") if tab in RING_LISTS else 0)
                    for tab, (_, where) in TABS.items()
                }
            self._cached_counts = (stamp, counts)
        return self._cached_counts[1]

    def new_since(self, seq: int) -> int:
        """Return how many rows came into the queue since the index had the stamp `seq`; members of a ring are one."""
        with self.index.read() as db:
            query = """select count(distinct coalesce(m.ring_id, c.case_id)) from cases c
                left join ring_members m using (user_id) where c.seq > ? and c.drawn_by is not null"""
            return int(db.execute(query, (seq,)).fetchone()[0])

    def outcomes(self) -> list[dict[str, Any]]:
        """Return cases, streams and euros per latest verdict; a case under appeal counts as "appealed" instead."""
        query = """select case when step = 'appeal' then 'appealed' else verdict end as verdict, count(*) as cases,
            sum(streams) as streams, sum(eur) as eur from verdicts.standing where verdict <> 'open' group by 1"""
        with self.reading() as db:
            return [dict(row) for row in db.execute(query)]


def _number(db: sqlite3.Connection, query: str) -> int:
    return int(db.execute(query).fetchone()[0])


def case_of_row(row: sqlite3.Row) -> Case:
    """Return the case of a row with CASE_COLUMNS."""
    return Case(*(row[f.name] for f in fields(Case)))
