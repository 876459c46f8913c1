"""Compare the challenger with the champion, by what both flag among this world's sessions (`lake/shadow`).

Nothing here flags or ranks an account: the comparison is for the person who decides about promoting.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from consumer_viz.dashboard.decisions.rates import Rate
from consumer_viz.dashboard.decisions.rules import Decision
from contracts import verdicts as v

MAX_LISTED = 10
"""Accounts on the page that only one of the two flags."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion and challenger on the sessions that both scored."""

    champion: str
    challenger: str
    sessions: int
    waiting: int
    """Sessions of the champion that the challenger has not scored yet."""
    flagged: dict[str, int]
    """Sessions by who flags: champion, challenger, both, only_champion, only_challenger."""
    accounts: dict[str, int]
    """Accounts by who flags, with the same keys."""
    precision: dict[str, Rate]
    """By model: of the accounts that it flags and analysts decided, those confirmed."""
    flagged_alone: dict[str, list[tuple[str, str, int, int]]]
    """By the only model that flags them: (case, account, sessions, streams), most streams first."""

    @property
    def agreement(self) -> float:
        """Share of sessions that both flag or neither does."""
        return 1 - (self.flagged["only_champion"] + self.flagged["only_challenger"]) / self.sessions


def compare(db: sqlite3.Connection, champion: str, challenger: str, decided: Iterable[Decision]) -> Comparison | None:
    """Compare two models by version; None where no session was scored by both. `decided`: one decision per case."""
    names = {"champion": champion, "challenger": challenger}
    db.execute(f"create temp table pairs as {_PAIRS}", names)  # one row per account
    sessions, *flagged = db.execute(_SESSION_SUMS).fetchone()
    if not sessions:
        return None
    scored = db.execute("select count(*) from sessions where model_version = ?", (champion,)).fetchone()[0]
    flags = {str(row[0]): (bool(row[1]), bool(row[2])) for row in db.execute("select user_id, a, b from pairs")}
    verdicts = [(flags[d.user_id], d.verdict == v.CONFIRM) for d in decided if d.user_id in flags]
    accounts = db.execute(_ACCOUNT_SUMS).fetchone()
    return Comparison(
        champion, challenger, sessions, scored - sessions, _by_flagger(flagged), _by_flagger(accounts),
        precision={
            name: Rate(name, sum(is_hit for by, is_hit in verdicts if by[i]), sum(by[i] for by, _ in verdicts))
            for i, name in enumerate(names)
        },
        flagged_alone={
            name: [tuple(row) for row in db.execute(_FLAGGED_ALONE.format(column=column), (MAX_LISTED,))]
            for name, column in (("challenger", "only_b"), ("champion", "only_a"))
        },
    )  # fmt: skip


def _by_flagger(counts: Iterable[int | None]) -> dict[str, int]:
    names = ("champion", "challenger", "both", "only_champion", "only_challenger")
    return {name: int(count or 0) for name, count in zip(names, counts, strict=True)}


_PAIRS = """
select s.user_id as user_id, count(*) as n, sum(s.is_flagged) as a, sum(h.would_flag) as b,
    sum(s.is_flagged and h.would_flag) as both, sum(s.is_flagged and not h.would_flag) as only_a,
    sum(h.would_flag and not s.is_flagged) as only_b, sum(s.streams * (s.is_flagged <> h.would_flag)) as streams
from shadow h join sessions s using (session_key)
where h.model_version = :challenger and s.model_version = :champion group by s.user_id
"""
_SESSION_SUMS = "select coalesce(sum(n), 0), sum(a), sum(b), sum(both), sum(only_a), sum(only_b) from pairs"
_ACCOUNT_SUMS = """
select sum(a > 0), sum(b > 0), sum(a > 0 and b > 0), sum(a > 0 and b = 0), sum(b > 0 and a = 0) from pairs
"""
# accounts that are reviewed blind or at random are on no list: the list would show whether they are flagged
_FLAGGED_ALONE = """
select c.case_id, p.user_id, p.{column}, p.streams from pairs p join cases c using (user_id)
where p.{column} > 0 and (c.drawn_by is null or c.drawn_by = 'flag') order by p.streams desc, p.user_id limit ?
"""
