"""Handle time: from opening a case or ring to the decision about it, by the lease of who decides."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import median


@dataclass(frozen=True, slots=True)
class HandleTime:
    """How long an analyst needs for a case."""

    analyst: str
    decisions: int
    median_s: float


def note_handled(db: sqlite3.Connection, subject: str, key: str, analyst: str, verdict: str, at: str) -> None:
    """Record how long a case or ring was open before its decision, within the decision's transaction.

    Where the analyst has no lease on it, as without scripts in the browser, nothing is known and nothing recorded.
    """
    query = "select taken_at from leases where subject = ? and analyst = ?"
    lease = db.execute(query, (subject, analyst)).fetchone()
    if lease is None:
        return
    seconds = (datetime.fromisoformat(at) - datetime.fromisoformat(lease[0])).total_seconds()
    if seconds >= 0:  # a clock that was set back tells nothing
        db.execute(
            "insert or ignore into handled values (?, ?, ?, ?, ?, ?)", (subject, key, analyst, verdict, at, seconds)
        )


def handle_times(db: sqlite3.Connection) -> list[HandleTime]:
    """Return the median of each analyst, the one with most decisions first."""
    by_analyst: dict[str, list[float]] = defaultdict(list)
    for analyst, seconds in db.execute("select analyst, seconds from handled"):
        by_analyst[analyst].append(seconds)
    times = [HandleTime(analyst, len(each), median(each)) for analyst, each in by_analyst.items()]
    return sorted(times, key=lambda time: (-time.decisions, time.analyst))
