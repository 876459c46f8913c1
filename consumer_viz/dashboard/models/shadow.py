"""The challenger beside the champion, from what both said of this world's sessions (lake/shadow).

Nothing here flags or ranks an account: it is for the person who decides about promoting.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from consumer_viz.dashboard.decisions.rates import Rate
from consumer_viz.dashboard.decisions.rules import Decision
from contracts import verdicts as v

MOST_LISTED = 10
"""Accounts on the page that only one of the two flags."""


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
    db.execute(f"create temp table pairs as {_PAIRS}", names)  # one row per account
    sessions, *flagged = db.execute(_SESSIONS).fetchone()
    if not sessions:
        return None
    scored = db.execute("select count(*) from sessions where model_version = ?", (champion,)).fetchone()[0]
    flags = {str(row[0]): (bool(row[1]), bool(row[2])) for row in db.execute("select user_id, a, b from pairs")}
    known = [(flags[d.user_id], d.verdict == v.CONFIRM) for d in decided if d.user_id in flags]
    accounts = db.execute(_ACCOUNTS).fetchone()
    return Beside(
        champion, challenger, sessions, scored - sessions, _counted(flagged), _counted(accounts),
        precision={
            name: Rate(name, sum(hit for by, hit in known if by[i]), sum(by[i] for by, _ in known))
            for i, name in enumerate(names)
        },
        alone={
            name: [tuple(row) for row in db.execute(_ALONE.format(mine=mine), (MOST_LISTED,))]
            for name, mine in (("challenger", "only_b"), ("champion", "only_a"))
        },
    )  # fmt: skip


def _counted(row: Iterable[int | None]) -> dict[str, int]:
    names = ("champion", "challenger", "both", "only_champion", "only_challenger")
    return {name: int(count or 0) for name, count in zip(names, row, strict=True)}


_PAIRS = """
select s.user_id as user_id, count(*) as n, sum(s.is_flagged) as a, sum(h.would_flag) as b,
    sum(s.is_flagged and h.would_flag) as both, sum(s.is_flagged and not h.would_flag) as only_a,
    sum(h.would_flag and not s.is_flagged) as only_b, sum(s.streams * (s.is_flagged <> h.would_flag)) as streams
from shadow h join sessions s using (session_key)
where h.model_version = :challenger and s.model_version = :champion group by s.user_id
"""
_SESSIONS = "select coalesce(sum(n), 0), sum(a), sum(b), sum(both), sum(only_a), sum(only_b) from pairs"
_ACCOUNTS = "select sum(a > 0), sum(b > 0), sum(a > 0 and b > 0), sum(a > 0 and b = 0), sum(b > 0 and a = 0) from pairs"
# who is reviewed blind or at random must not be told from the flagged: such accounts are on no list
_ALONE = """
select c.case_id, p.user_id, p.{mine}, p.streams from pairs p join cases c using (user_id)
where p.{mine} > 0 and (c.drawn_by is null or c.drawn_by = 'flag') order by p.streams desc, p.user_id limit ?
"""
