"""Cases that the record of verdicts has and the lake no more: they stay in the index, with what the record knows.

Verdicts are kept, rows of the lake as long as retention says; whoever lost money may appeal after that.
"""

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from consumer_viz.dashboard.decisions.holds import Action
from consumer_viz.dashboard.evidence.summary import CaseSummary
from consumer_viz.dashboard.index.case_index import CaseIndex, KeptCase
from consumer_viz.dashboard.index.cases import Cases
from consumer_viz.dashboard.index.sampling import case_id
from contracts import verdicts as v
from runtime.event_text import format_time
from runtime.lake import committed_files, is_table

_UNKNOWN = """with known (case_id) as (select case_id from verdicts.decisions union select case_id from verdicts.actions
        union select subject from verdicts.assignments union select subject from verdicts.leases
        union select case_id from verdicts.audit)
    select k.case_id, coalesce(d.user_id, (select max(a.user_id) from verdicts.actions a where a.case_id = k.case_id))
            as user_id,
        d.drawn_by, d.draw_probability, d.streams, d.eur, d.model_version
    from known k left join verdicts.standing d on d.case_id = k.case_id
    where k.case_id glob 'c-*' and not exists (select 1 from cases c where c.case_id = k.case_id)"""
"""What was decided, held, assigned, opened or tried of cases that the index does not have."""


class KeptCases:
    """Adds to the index, each time it was opened, the cases that only the record of verdicts has."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._openings = 0

    def add(self) -> int:
        """Add them; return how many. The index must have read the lake before."""
        index = self._cases.index
        if self._openings == index.openings:
            return 0
        with self._cases.reading() as db:
            rows = db.execute(_UNKNOWN).fetchall()
            names = _names(db, {row["case_id"] for row in rows if row["user_id"] is None})
        index.add_kept([self._kept(row, row["user_id"] or names.get(row["case_id"])) for row in rows])
        self._openings = index.openings
        return len(rows)

    def _kept(self, row: sqlite3.Row, user_id: str | None) -> KeptCase:
        if row["drawn_by"] is not None:
            drawn_by = None if row["drawn_by"] == "none" else row["drawn_by"]
            values = (drawn_by, row["draw_probability"], row["streams"], row["eur"], row["model_version"])
            return KeptCase(user_id or row["case_id"], row["case_id"], *values)
        # nobody decided it: where money is held, somebody has to
        actions = self._cases.store.actions(row["case_id"])
        streams = sum(line.streams for line in actions[-1].lines) if actions else 0
        eur = actions[-1].eur if actions else 0.0
        drawn_by = v.BY_FLAG if actions else None
        return KeptCase(user_id or row["case_id"], row["case_id"], drawn_by, float(bool(actions)), streams, eur, None)


def _names(db: sqlite3.Connection, case_ids: set[str]) -> dict[str, str]:
    """Return the accounts of some cases, of those that the static table users has."""
    if not case_ids:
        return {}
    users = (str(row[0]) for row in db.execute("select user_id from users"))
    return {case: user for user in users if (case := case_id(user)) in case_ids}


def gone_rows(index: CaseIndex, summary: CaseSummary, actions: Sequence[Action], plays: pd.DataFrame | None) -> str:
    """Say in a sentence which rows of a case retention has removed; empty where none are known to be gone.

    `plays`: those of its sessions, None where they were not read.
    """
    unit = index.world.unit
    if summary.case.is_kept or _has_lost_sessions(summary, actions):
        earlier = "" if unit.root.name == "v1" else ", or belong to an earlier version of this world"
        return f"Sessions that this case is about are gone by retention{earlier}: {_kept_since(unit.table('sessions'))}"
    if summary.sessions and plays is not None and plays.empty and is_table(unit.table("plays")):
        ended_on = format_time(max(s["ended_ms"] for s in summary.sessions))[:10]
        if _first_day(unit.table("plays"), "9999") > ended_on:  # else the archive is late, or lacks them
            return f"The plays of its sessions are gone by retention: {_kept_since(unit.table('plays'))}"
    return ""


def _has_lost_sessions(summary: CaseSummary, actions: Sequence[Action]) -> bool:
    """Whether money of a session is in the ledger that the lake lacks, or each session is later than the decision."""
    if {key for action in actions for key in action.sessions} - {s["session_key"] for s in summary.sessions}:
        return True
    decided_at = max((d.decided_at for d in summary.history if d.step in (v.DECIDE, v.SECOND)), default=None)
    return bool(decided_at and summary.sessions) and all(
        min(format_time(s["started_ms"]), s["scored_at"]) > decided_at for s in summary.sessions
    )


def _first_day(table: Path, without_rows: str) -> str:
    days = (re.search(r"/date=(\d[\d-]+)/", file.as_posix()) for file in committed_files(table))
    return min((day[1] for day in days if day), default=without_rows)


def _kept_since(table: Path) -> str:
    first = _first_day(table, "")
    since = f"the lake has {table.name} from {first} on" if first else f"the lake has no {table.name} any more"
    return f"{since}. What was decided is kept."
