"""Queries of the rings and the verdicts together: one ring, its members, the queue in which a ring is one row."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from consumer_viz.dashboard.decisions.due import due_at
from consumer_viz.dashboard.index.cases import CASE_COLUMNS, FROM_CASES, Case, Cases, case_of_row
from consumer_viz.dashboard.index.queue_lists import (
    FROM_MEMBERS,
    IS_HIDDEN,
    IS_LEFT_OUT,
    ORDERS,
    OTHER_ORDERS,
    RING_LISTS,
    TABS,
    rings_in,
    single_in,
)

_IS_OPEN = f"({TABS['suspected'][1]})"
_IS_TO_DECIDE = f"({_IS_OPEN} and not {IS_LEFT_OUT})"
_COUNTS = ("size", "waiting", "proposed", "left_out", "decided", "hidden", "eur", "shown_eur", "open_eur", "risk",
           "first_flagged_at", "assignee", "hold_until", "is_escalated")  # fmt: skip
_RING_COLUMNS = f"""m.ring_id, count(*) as size, sum({_IS_TO_DECIDE}) as waiting,
    sum(coalesce(v.verdict = 'proposed', 0) and not {IS_HIDDEN} and not {IS_LEFT_OUT}) as proposed,
    sum({_IS_OPEN} and {IS_LEFT_OUT}) as left_out,
    sum(coalesce(v.verdict in ('confirm', 'dismiss'), 0) and not {_IS_OPEN}) as decided,
    sum({IS_HIDDEN}) as hidden,
    sum(c.eur) as eur, total(case when {IS_HIDDEN} then 0 else c.eur end) as shown_eur,
    total(case when {_IS_TO_DECIDE} then c.eur end) as open_eur,
    total(case when {_IS_TO_DECIDE} then c.risk end) as risk,
    min(c.first_flagged_at) as first_flagged_at, max(r.assignee) as assignee, max(r.hold_until) as hold_until,
    max(r.is_escalated) as is_escalated"""


ROW_ORDERS: dict[str, Callable[["Ring | Case"], Any]] = {
    "": lambda row: -row.risk,
    "oldest": lambda row: row.first_flagged_at or "",
    "due": lambda row: ((due := due_at(row.first_flagged_at, row.risk)) and due.timestamp()) or 0.0,
}
"""Keys that put rings among cases in the orders of the suspected list."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A ring with what was decided about its members: a row of the queue."""

    ring_id: str
    size: int
    waiting: int
    """Members without a verdict that were not left out of one."""
    proposed: int
    """Members that were confirmed once and wait for a second person."""
    left_out: int
    """Members without a verdict that an analyst left out of the ring's."""
    decided: int
    hidden: int
    """Members that are reviewed blind: they are not shown as members before they are decided."""
    eur: float
    """Money at risk of all members."""
    shown_eur: float
    """Without that of the hidden ones, which would tell their score."""
    open_eur: float
    """Of the members that wait: what the queue ranks."""
    risk: float
    first_flagged_at: str | None
    assignee: str | None
    hold_until: str | None
    is_escalated: int | None
    kinds: list[str]
    reasons: list[str]
    track_ids: list[str]
    probability: float | None
    first_seen: str | None
    last_seen: str | None

    @property
    def at_risk_eur(self) -> float:
        """Money that its row shows: of the members that wait, or of all that are shown where none does."""
        return self.open_eur if self.waiting else self.shown_eur


class Rings:
    """Reads the rings; writes nothing."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def one(self, ring_id: str) -> Ring | None:
        """Return a ring."""
        with self._cases.reading() as db:
            return next(iter(_rings(db, [ring_id])), None)

    def members(self, ring_id: str) -> list[Case]:
        """Return the cases of a ring's members, the highest risk first; those under blind review are left out."""
        query = f"""select {CASE_COLUMNS} {FROM_CASES} join ring_members m on m.user_id = c.user_id
            where m.ring_id = ? order by c.risk desc, c.case_id"""
        with self._cases.reading() as db:
            return [case for case in map(case_of_row, db.execute(query, (ring_id,))) if not case.is_hidden]

    def left_out(self, ring_id: str) -> set[str]:
        """Return the ids of the cases that a verdict on the ring left out."""
        with self._cases.reading() as db:
            query = "select case_id from verdicts.left_out where ring_id = ?"
            return {row[0] for row in db.execute(query, (ring_id,))}

    def last_ms(self, ring_id: str) -> int:
        """Return when the newest session of the members ended, epoch milliseconds; else when they were last seen."""
        query = "select max(ended_ms) from sessions join ring_members using (user_id) where ring_id = ?"
        seen = "select row from rings where ring_id = ?"
        with self._cases.index.read() as db:
            ended = db.execute(query, (ring_id,)).fetchone()[0]
            last_seen = orjson.loads(db.execute(seen, (ring_id,)).fetchone()[0])["last_seen"]
        if ended or not last_seen:
            return int(ended or 0)
        at = datetime.fromisoformat(last_seen)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)

    def shared_devices(self, ring_id: str) -> tuple[int, int]:
        """Return the number of devices that several members use, and the number of those members."""
        query = """with ours as (select d.device_id, d.user_id from devices d join ring_members using (user_id)
                where ring_id = ?),
            shared as (select device_id from ours group by device_id having count(*) > 1)
            select count(distinct device_id), count(distinct user_id) from ours join shared using (device_id)"""
        return self._pair(query, ring_id)

    def shared_payments(self, ring_id: str) -> tuple[int, int]:
        """Return the number of payment methods that pay for several members, and the number of those members."""
        query = """select count(*), coalesce(sum(n), 0) from (select count(*) as n from users
            join ring_members using (user_id) where ring_id = ? and payment_id is not null
            group by payment_id having count(*) > 1)"""
        return self._pair(query, ring_id)

    def _pair(self, query: str, ring_id: str) -> tuple[int, int]:
        with self._cases.index.read() as db:
            one, other = db.execute(query, (ring_id,)).fetchone()
            return int(one), int(other)

    def of_cases(self, case_ids: Collection[str]) -> set[str]:
        """Return the ids of the rings that some cases' accounts are in."""
        query = f"""select distinct ring_id from ring_members join cases using (user_id)
            where case_id in ({", ".join("?" * len(case_ids))})"""
        with self._cases.index.read() as db:
            return {str(row[0]) for row in db.execute(query, tuple(case_ids))}

    def of_account(self, user_id: str) -> list[dict[str, Any]]:
        """Return the rings that an account is in: `ring_id`, `size`, `waiting` (members in the queue), `eur` of all."""
        query = f"""select m.ring_id, count(*) as size, sum({_IS_OPEN}) as waiting, sum(c.eur) as eur {FROM_MEMBERS}
            where m.ring_id in (select ring_id from ring_members where user_id = ?)
            group by m.ring_id order by 2 desc"""
        with self._cases.reading() as db:
            return [dict(row) for row in db.execute(query, (user_id,))]

    def queue(self, tab: str, limit: int, offset: int = 0, order_by: str = "") -> list[Ring | Case]:
        """Return rows of a list of the queue, in which a ring is one row; its members are not suspected rows."""
        # the accounts in the order of their index: SQLite stops at the limit, however many there are
        order = OTHER_ORDERS[order_by] if order_by else ORDERS[tab]
        query = (
            f"""select {CASE_COLUMNS} {FROM_CASES} where {TABS[tab][1]} and {single_in(tab)} order by {order} limit ?"""
        )
        with self._cases.reading() as db:
            ids = [row["ring_id"] for row in db.execute(rings_in(tab))] if tab in RING_LISTS else []
            cases = [case_of_row(row) for row in db.execute(query, (offset + limit,))]
            rings = _rings(db, ids)
        rows: list[Ring | Case] = [*rings, *cases]
        if rings and tab == "suspected":
            rows.sort(key=ROW_ORDERS[order_by])
        return rows[offset : offset + limit]


def _rings(db: sqlite3.Connection, ids: Sequence[str]) -> list[Ring]:
    """Return those rings among the ids; ids of cases are no rings'."""
    marks = ", ".join("?" * len(ids))
    counts = db.execute(
        f"""select {_RING_COLUMNS} {FROM_MEMBERS} left join verdicts.work r on r.subject = m.ring_id
        where m.ring_id in ({marks}) group by m.ring_id""",
        ids,
    )
    rows = dict(db.execute(f"select ring_id, row from rings where ring_id in ({marks})", ids).fetchall())
    return [Ring(**{name: row[name] for name in _COUNTS}, **orjson.loads(rows[row["ring_id"]])) for row in counts]
