"""The challenger beside the champion, from what both said of this world's sessions (lake/shadow).

Nothing here flags or ranks an account: it is for the person who decides about promoting.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from consumer_viz.dashboard.quality import Rate
from consumer_viz.dashboard.store import Decision
from contracts import verdicts as v

SCHEMA = """
create table shadow (
    session_key text, model_version text, would_flag integer, primary key (model_version, session_key)
) without rowid;
"""
MOST_LISTED = 10
"""Accounts on the page that only one of the two flags."""


def add_shadow(db: sqlite3.Connection, file: Path) -> None:
    """Take in a committed file of a challenger's table."""
    table = pq.ParquetFile(file).read(columns=["session_key", "model_version", "would_flag"])
    rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    db.executemany("insert or ignore into shadow values (?, ?, ?)", rows)


@dataclass(frozen=True, slots=True)
class Beside:
    """Champion and challenger on the sessions that both scored."""

    champion: str
    challenger: str
    sessions: int
    waiting: int
    """Sessions of the champion that the challenger has not scored yet."""
    flagged: dict[str, int]
    """Sessions by who flags: champion, challenger, both, only_champion, only_challenger."""
    accounts: dict[str, int]
    """Accounts likewise."""
    precision: dict[str, Rate]
    """Of the accounts each flags and analysts decided, those confirmed."""
    alone: dict[str, list[tuple[str, str, int, int]]]
    """By the one that flags them: (case, account, sessions, streams), most streams first."""

    @property
    def agreement(self) -> float:
        """Share of sessions that both flag or neither does."""
        return 1 - (self.flagged["only_champion"] + self.flagged["only_challenger"]) / self.sessions


def beside(db: sqlite3.Connection, champion: str, challenger: str, decided: Iterable[Decision]) -> Beside | None:
    """Compare the two; None where no session was scored by both. `decided` are standing decisions."""
    names = {"champion": champion, "challenger": challenger}
    db.execute("create temp table pairs (user_id text, streams integer, a integer, b integer)")
    db.execute(_PAIRS, names)
    sessions = int(db.execute("select count(*) from pairs").fetchone()[0])
    if not sessions:
        return None
    scored = int(db.execute("select count(*) from sessions where model_version = ?", (champion,)).fetchone()[0])
    by_account = {str(row[0]): (bool(row[1]), bool(row[2])) for row in db.execute(_BY_ACCOUNT)}
    known = [(by_account[d.user_id], d.verdict == v.CONFIRM) for d in decided if d.user_id in by_account]
    return Beside(
        champion, challenger, sessions, scored - sessions,
        flagged=_counted(db.execute(_COUNTED).fetchone()),
        accounts=_counted(db.execute(f"with pairs as ({_BY_ACCOUNT}) {_COUNTED}").fetchone()),
        precision={
            name: Rate(name, sum(hit for flags, hit in known if flags[i]), sum(flags[i] for flags, _ in known))
            for i, name in enumerate(names)
        },
        alone={
            name: [tuple(row) for row in db.execute(_ALONE.format(one=one, other=other), (MOST_LISTED,))]
            for name, one, other in (("challenger", "b", "a"), ("champion", "a", "b"))
        },
    )  # fmt: skip


def _counted(row: Iterable[int | None]) -> dict[str, int]:
    names = ("champion", "challenger", "both", "only_champion", "only_challenger")
    return {name: int(count or 0) for name, count in zip(names, row, strict=True)}


_PAIRS = """
insert into pairs select s.user_id, s.streams, s.is_flagged, h.would_flag
from shadow h join sessions s using (session_key)
where h.model_version = :challenger and s.model_version = :champion
"""
_BY_ACCOUNT = "select user_id, max(a) as a, max(b) as b from main_pairs group by user_id"
_COUNTED = "select sum(a), sum(b), sum(a and b), sum(a and not b), sum(b and not a) from pairs"
# who is reviewed blind or at random must not be told from the flagged: such accounts are on no list
_ALONE = """
select c.case_id, p.user_id, count(*), sum(p.streams) as streams from pairs p join cases c using (user_id)
where p.{one} and not p.{other} and (c.drawn_by is null or c.drawn_by = 'flag')
group by p.user_id order by streams desc, p.user_id limit ?
"""
