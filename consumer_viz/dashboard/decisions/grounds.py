"""Why a case was suspected when it was decided, as its page said: the rows behind that may go by retention."""

import sqlite3

import orjson

from consumer_viz.dashboard.decisions.rules import Decision, Draft
from contracts import verdicts as v


def add_grounds(db: sqlite3.Connection, decision: Decision, draft: Draft) -> None:
    """Keep the grounds of a decision, within its transaction; later steps have none of their own."""
    if draft.grounds and draft.step == v.DECIDE:
        lines = orjson.dumps(draft.grounds).decode()
        db.execute("insert into grounds values (?, ?, ?)", (decision.case_id, decision.version, lines))


def grounds_of(db: sqlite3.Connection, case_id: str) -> dict[int, list[str]]:
    """Return the grounds of a case by version of the verdict, the oldest first."""
    rows = db.execute("select version, lines from grounds where case_id = ? order by version", (case_id,))
    return {version: orjson.loads(lines) for version, lines in rows}
