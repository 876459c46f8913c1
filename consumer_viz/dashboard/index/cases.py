"""Queries of the case index and the verdicts together: the queue, its counts, one case, its links."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import orjson

from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.index.schema import OF_OPEN
from consumer_viz.dashboard.index.weeks import STRONGEST

_IS_UNDECIDED = "(v.case_id is null or v.verdict = 'open')"
_IS_BACK = "(v.verdict = 'dismiss' and v.step <> 'appeal' and coalesce(c.last_scored_at, '') > v.decided_at)"
_IS_HELD = "coalesce(w.hold_until, '') > today()"
IS_SETTLED = f"v.verdict in ('confirm', 'dismiss') and v.step <> 'appeal' and not {_IS_BACK}"
TABS: dict[str, tuple[str, str]] = {
    "suspected": ("Suspected", f"c.drawn_by = 'flag' and ({_IS_UNDECIDED} or {_IS_BACK}) and not {_IS_HELD}"),
    "sample": ("Blind sample", f"c.drawn_by in ('blind', 'random') and {_IS_UNDECIDED}"),
    "assigned": ("Assigned", f"(w.assignee is not null or w.is_escalated) and not coalesce({IS_SETTLED}, 0)"),
    "waiting": (
        "Waiting",
        f"(v.verdict = 'need_more' or v.step = 'appeal' or c.drawn_by = 'flag' and {_IS_UNDECIDED} and {_IS_HELD})",
    ),
    "decided": ("Decided", IS_SETTLED),
}
"""Lists of the queue: title, and the condition of its cases. Without a verdict the columns of `v` are null, without an
assignment those of `w`; `today()` is the UTC day."""
ORDERS = {"suspected": "c.risk desc, c.case_id", "sample": "c.case_id", "waiting": "v.decided_at, c.case_id",
          "assigned": "w.is_escalated desc, c.risk desc, c.case_id",
          "decided": "v.decided_at desc, c.case_id"}  # fmt: skip
"""The sample is in the order of its random ids: the order of risk would show the scores that it hides."""
OLDEST_FIRST = "c.first_flagged_at, c.case_id"
"""Another order of the suspected cases."""
IS_LEFT_OUT = "exists (select 1 from verdicts.left_out x where x.case_id = c.case_id and x.ring_id = m.ring_id)"
"""Whether an analyst left a member (`c`, `m`) out of its ring's verdict."""
IS_SINGLE = f"not exists (select 1 from ring_members m where m.user_id = c.user_id and not {IS_LEFT_OUT})"
"""Whether an account is a row of the queue by itself: it is in no ring, or was left out of its ring's verdict."""
RING_LISTS = {
    "suspected": "coalesce(max(r.hold_until), '') <= today()",
    "assigned": "max(r.assignee) is not null or max(r.is_escalated)",
    "waiting": "coalesce(max(r.hold_until), '') > today()",
}
"""Lists that have rings, with accounts to decide, and which of them; `r` is the ring's assignment."""
FROM_MEMBERS = """from ring_members m join cases c on c.user_id = m.user_id
    left join verdicts.standing v on v.case_id = c.case_id left join verdicts.work w on w.subject = c.case_id"""
CAMPAIGN_LINK = "suspected campaign"
"""Kind of a link that only a suspicion makes."""
MAX_LINKED = 60
"""Accounts listed under one link."""


def single_in(tab: str) -> str:
    """Return the condition of the accounts that are rows of a list: of the suspected ones no members of rings."""
    return IS_SINGLE if tab == "suspected" else "true"


def rings_in(tab: str) -> str:
    """Return the query of the ids of the rings in a list (RING_LISTS)."""
    return f"""select m.ring_id {FROM_MEMBERS} left join verdicts.work r on r.subject = m.ring_id
        where {TABS["suspected"][1]} and not {IS_LEFT_OUT} group by m.ring_id having {RING_LISTS[tab]}"""


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

    @property
    def is_decided(self) -> bool:
        return self.verdict not in (None, "open")

    @property
    def is_hidden(self) -> bool:
        """Whether score and reasons must not be shown: the case is reviewed blind and not decided yet."""
        return self.drawn_by in ("blind", "random") and not self.is_decided

    @property
    def is_back(self) -> bool:
        """Whether sessions were flagged after the case was dismissed."""
        return self.verdict == "dismiss" and (self.last_scored_at or "") > (self.decided_at or "")


CASE_COLUMNS = """c.case_id, c.user_id, coalesce(c.drawn_by, 'none') as drawn_by, c.draw_probability, c.sessions,
    c.flagged, c.streams, c.eur, c.probability, c.risk, c.model_version, c.last_scored_at, c.seq, u.country, u.plan,
    u.timezone, coalesce(v.version, 0) as version, v.verdict, v.reason_code, v.step, v.analyst, v.decided_at,
    c.first_flagged_at, w.assignee, w.hold_until, w.is_escalated"""
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

    def sessions(self, user_id: str) -> list[dict[str, Any]]:
        """Return the account's scored sessions in order of time: columns of table sessions, `reasons` as a list."""
        query = "select * from sessions where user_id = ? order by started_ms"
        with self.index.read() as db:
            rows = [dict(row) for row in db.execute(query, (user_id,))]
        for row in rows:
            row["reasons"] = orjson.loads(row["reasons"]) if row["reasons"] else []
        return rows

    def alerts(self, user_id: str) -> list[dict[str, Any]]:
        """Return the alerts of the account's open sessions, the oldest first: columns of table alerts."""
        query = f"select a.row from (select ? as user_id) t, alerts a {OF_OPEN} order by a.alerted_at"
        with self.index.read() as db:
            return [orjson.loads(row[0]) for row in db.execute(query, (user_id,))]

    def account(self, user_id: str) -> dict[str, Any]:
        """Return the account's row of the static table users; every value is None where it has no row."""
        with self.index.read() as db:
            rows = db.execute("select * from users where user_id = ?", (user_id,))
            return dict(rows.fetchone() or dict.fromkeys(column[0] for column in rows.description))

    def tracks(self, track_ids: set[str]) -> dict[str, dict[str, Any]]:
        """Return the rows of the static table tracks, by track id."""
        with self.index.read() as db:
            query = f"select * from tracks where track_id in ({', '.join('?' * len(track_ids))})"
            return {row["track_id"]: dict(row) for row in db.execute(query, tuple(track_ids))}

    def daily(self, user_id: str) -> dict[str, Any]:
        """Return the account's flagged `days`, its flagged `campaigns`, its `rank` in the daily ranking, and its weeks.

        `weeks`: the strongest flagged window, if any. `newest_weeks`: the newest windows, the longest first.
        """
        days = "select row from user_days where user_id = ? and is_flagged order by local_date"
        groups = "select c.row from members m join campaigns c using (campaign_key) where m.user_id = ?"
        with self.index.read() as db:
            rank = db.execute("select row from account_risk where user_id = ?", (user_id,)).fetchone()
            windows = [
                (row[0], orjson.loads(row[1]))
                for row in db.execute("select days, row from windows where user_id = ? order by days desc", (user_id,))
            ]
            return {
                "days": [orjson.loads(row[0]) for row in db.execute(days, (user_id,))],
                "campaigns": [orjson.loads(row[0]) for row in db.execute(groups, (user_id,))],
                "rank": orjson.loads(rank[0]) if rank else None,
                "weeks": [row for days, row in windows if days == STRONGEST],
                "newest_weeks": [row for days, row in windows if days != STRONGEST],
            }

    def links(self, user_id: str) -> list[dict[str, Any]]:
        """Return what the account shares: per `kind` the other `accounts`, their `count`, and the number `suspected`.

        Suspected is every account that came into the queue: by a session, a day, weeks or a campaign.
        """
        payment = """select 'payment method' as kind, o.user_id from users m join users o using (payment_id)
            where m.user_id = :user and o.user_id <> :user"""
        device = """select 'device' as kind, o.user_id from devices m join devices o using (device_id)
            where m.user_id = :user and o.user_id <> :user"""
        campaign = f"""select '{CAMPAIGN_LINK}' as kind, o.user_id from members m join members o using (campaign_key)
            where m.user_id = :user and o.user_id <> :user"""
        query = f"""select l.kind, l.user_id, c.case_id, c.flagged, c.sessions, c.streams, v.verdict,
            c.drawn_by = 'flag' as is_suspected, c.drawn_by in ('blind', 'random') and v.verdict is null as is_hidden
            from ({payment} union {device} union {campaign}) l join cases c on c.user_id = l.user_id
            left join verdicts.standing v on v.case_id = c.case_id order by l.kind, c.flagged desc, l.user_id"""
        with self.reading() as db:
            by_kind: dict[str, list[dict[str, Any]]] = {}
            for row in db.execute(query, {"user": user_id}):
                by_kind.setdefault(row["kind"], []).append(dict(row))
        return [
            {"kind": kind, "accounts": accounts[:MAX_LINKED], "count": len(accounts),
             "suspected": sum(a["is_suspected"] or 0 for a in accounts)}
            for kind, accounts in by_kind.items()
        ]  # fmt: skip

    def suspect_tracks(self, limit: int) -> list[dict[str, Any]]:
        """Return the tracks with most streams in flagged sessions; `role` is from the daily run, None without one."""
        query = """select s.track_id, sum(s.streams) as streams, count(*) as accounts from suspect_tracks s
            group by s.track_id order by 2 desc, 1 limit ?"""
        with self.index.read() as db:
            rows = [dict(row) for row in db.execute(query, (limit,))]
            newest = "select row from track_risk where track_id = ? order by local_date desc limit 1"
            for row in rows:
                risk = db.execute(newest, (row["track_id"],)).fetchone()
                row["role"] = orjson.loads(risk[0])["role"] if risk else None
        named = self.tracks({row["track_id"] for row in rows})
        return [{**row, **named.get(row["track_id"], {})} for row in rows]


def _number(db: sqlite3.Connection, query: str) -> int:
    return int(db.execute(query).fetchone()[0])


def case_of_row(row: sqlite3.Row) -> Case:
    """Return the case of a row with CASE_COLUMNS."""
    return Case(*(row[f.name] for f in fields(Case)))
