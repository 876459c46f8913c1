"""Leases: who looks at a case or a ring just now, so that two analysts do not work on the same one.

A lease warns, it does not lock: a decision on an old version is refused all the same. It lasts LEASE_S after the page
was last looked at. It is in the file of the verdicts, so that two desk processes see the same leases.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from consumer_viz.dashboard.decisions.store import VerdictStore

LEASE_S = 600
"""Seconds that a lease lasts after it was taken or renewed."""
MAX_AHEAD_S = 60
"""A lease that was renewed further in the future than this is void: the clock was set back since."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who looks at a case or ring (`subject`), and on which open page."""

    subject: str
    analyst: str
    page: str
    taken_at: str
    renewed_at: str


def take_lease(store: VerdictStore, subject: str, analyst: str, page: str, *, take_over: bool = False) -> Lease:
    """Take or renew a lease for an open page, which gives up its other ones; return the lease that counts.

    Where another analyst has one, theirs is returned and stays, unless `take_over`.
    """
    with store.writing() as (db, now):
        row = db.execute("select * from leases where subject = ?", (subject,)).fetchone()
        current = Lease(*row) if row else None
        if current and not _is_live(current, now):
            current = None
        db.execute("delete from leases where page = ? and subject <> ?", (page, subject))
        if current and current.analyst != analyst and not take_over:
            return current
        taken_at = current.taken_at if current and current.analyst == analyst else now
        db.execute("insert or replace into leases values (?, ?, ?, ?, ?)", (subject, analyst, page, taken_at, now))
    return Lease(subject, analyst, page, taken_at, now)


def release_leases(store: VerdictStore, page: str) -> None:
    """Give up the leases of a page that was closed."""
    with store.writing() as (db, _):
        db.execute("delete from leases where page = ?", (page,))


def live_leases(store: VerdictStore) -> dict[str, str]:
    """Return who looks at what now: subject -> analyst."""
    now = store.now_text()
    with store.watching() as db:
        leases = [Lease(*row) for row in db.execute("select * from leases order by subject")]
    return {lease.subject: lease.analyst for lease in leases if _is_live(lease, now)}


def _is_live(lease: Lease, now: str) -> bool:
    age = datetime.fromisoformat(now) - datetime.fromisoformat(lease.renewed_at)
    return -timedelta(seconds=MAX_AHEAD_S) <= age < timedelta(seconds=LEASE_S)
