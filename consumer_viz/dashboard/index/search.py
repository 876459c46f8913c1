"""Find anything in the index: accounts, rings, tracks, artists, labels, devices and addresses.

An id is found by how it begins, a title or an artist's name by any part of it, in capitals or not.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any

from consumer_viz.dashboard.index.cases import CASE_COLUMNS, FROM_CASES, Case, Cases, case_of_row

SHOWN, SHOWN_OF_ONE = 10, 200
"""Hits listed per kind; where one kind is asked for."""
MAX_CHARS = 200
_LAST = "\U0010ffff"
"""Sorts after everything that begins with the same letters."""
_BEGINS = "{0} >= :q and {0} < :end"
_HOLDS = "instr(lower({0}), lower(:q)) > 0"

KINDS: dict[str, tuple[str, str, str]] = {
    "accounts": (
        "Accounts",
        f"""select user_id as id, user_id as title from users where {_BEGINS.format("user_id")}
            union all select user_id, user_id from cases where {_BEGINS.format("user_id")}
                and not exists (select 1 from users u where u.user_id = cases.user_id)
            union all select user_id, user_id from cases where {_BEGINS.format("case_id")}
                and not ({_BEGINS.format("user_id")})""",
        "select max((select count(*) from users), (select count(*) from cases))",
    ),
    "rings": (
        "Rings",
        f"""select ring_id as id, ring_id as title from rings where {_BEGINS.format("ring_id")}
            union select ring_id, ring_id from verdicts.together where {_BEGINS.format("ring_id")}
            union select m.ring_id, m.ring_id from members c join ring_members m using (user_id)
                where {_BEGINS.format("c.campaign_key")}""",
        "select count(*) from rings",
    ),
    "tracks": (
        "Tracks",
        f"""select track_id as id, title || ' · ' || artist as title from tracks
            where {_BEGINS.format("track_id")} or {_HOLDS.format("title")}""",
        "select count(*) from tracks",
    ),
    "artists": (
        "Artists",
        f"""select artist_id as id, min(artist) as title from tracks
            where {_BEGINS.format("artist_id")} or {_HOLDS.format("artist")} group by artist_id""",
        "select count(distinct artist_id) from tracks",
    ),
    "labels": (
        "Labels",
        f"select distinct label_id as id, label_id as title from tracks where {_BEGINS.format('label_id')}",
        "select count(distinct label_id) from tracks",
    ),
    "devices": (
        "Devices",
        f"select device_id as id, device_id as title from devices where {_BEGINS.format('device_id')} group by 1",
        "select count(distinct device_id) from devices",
    ),
    "addresses": (
        "Addresses",
        f"select ip as id, ip as title from addresses where {_BEGINS.format('ip')} group by 1",
        "select count(distinct ip) from addresses",
    ),
}
"""Kind -> its title, the query of its hits as (id, title), the query of how many there are to search."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found of one kind: `rows` have id, title and detail."""

    kind: str
    title: str
    count: int
    rows: list[dict[str, Any]]


class Search:
    """Searches the index; writes nothing."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._sizes: tuple[int, dict[str, int]] = (-1, {})

    def find(self, text: str, kind: str = "") -> list[Hits]:
        """Return what was found, the kinds without a hit left out; of one `kind` more rows."""
        shown = SHOWN_OF_ONE if kind else SHOWN
        values = {"q": text, "end": text + _LAST, "limit": shown}
        hits = []
        with self._cases.reading() as db:
            if not text.isascii():  # SQLite's own, which is faster, knows no capitals but A to Z
                db.create_function("lower", 1, lambda name: name and name.lower(), deterministic=True)
            for name, (title, query, _) in KINDS.items():
                if kind in ("", name):
                    count = int(db.execute(f"select count(*) from ({query})", values).fetchone()[0])
                    rows = (
                        db.execute(f"select * from ({query}) order by title, id limit :limit", values) if count else ()
                    )
                    found = [dict(row) | {"detail": _detail(db, name, row["id"])} for row in rows]
                    hits.append(Hits(name, title, count, found))
        return [part for part in hits if part.count]

    def sizes(self) -> dict[str, int]:
        """Return how many there are of each kind; counted again when the index has grown."""
        if self._sizes[0] != self._cases.index.stamp:
            stamp = self._cases.index.stamp
            with self._cases.reading() as db:
                self._sizes = (stamp, {name: int(db.execute(q).fetchone()[0]) for name, (_, _, q) in KINDS.items()})
        return self._sizes[1]

    def accounts_of(self, kind: str, entity: str) -> list[Case]:
        """Return the cases of the accounts that used a device or an address, the highest risk first."""
        table, column = {"devices": ("devices", "device_id"), "addresses": ("addresses", "ip")}[kind]
        query = f"""select {CASE_COLUMNS} {FROM_CASES} join {table} e on e.user_id = c.user_id
            where e.{column} = ? order by c.risk desc, c.case_id limit {SHOWN_OF_ONE}"""
        with self._cases.reading() as db:
            return [case_of_row(row) for row in db.execute(query, (entity,))]


def _detail(db: sqlite3.Connection, kind: str, entity: str) -> str:
    """Write what a hit is: how many accounts, tracks or sessions belong to it."""
    if kind == "accounts":
        row = db.execute("select sessions from cases where user_id = ?", (entity,)).fetchone()
        return _number(row[0], "scored session") if row else "no session scored yet"
    query, noun = {
        "rings": (
            """select max((select count(*) from ring_members where ring_id = :id), (select count(distinct c.case_id)
            from verdicts.together t join verdicts.together_cases c using (key)
            where t.ring_id = :id and c.version is not null))""",
            "account",
        ),
        "tracks": ("select count(*) from suspect_tracks where track_id = :id", "suspected account"),
        "artists": ("select count(*) from tracks where artist_id = :id", "track"),
        "labels": ("select count(*) from tracks where label_id = :id", "track"),
        "devices": ("select count(*) from devices where device_id = :id", "account"),
        "addresses": ("select count(*) from addresses where ip = :id", "account"),
    }[kind]
    return _number(db.execute(query, {"id": entity}).fetchone()[0], noun)


def _number(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
