"""Who works on a case or a ring, until when it rests, whether it was escalated. Every change is kept."""

from dataclasses import dataclass, replace
from datetime import date

from consumer_viz.dashboard.decisions.leases import live_leases
from consumer_viz.dashboard.decisions.rules import InvalidDecision
from consumer_viz.dashboard.decisions.store import VerdictStore

ASSIGN, HOLD, ESCALATE, RELEASE = "assign", "hold", "escalate", "release"
STEPS = (ASSIGN, HOLD, ESCALATE, RELEASE)
"""`release` ends all three: nobody has the case, it does not rest, it is not escalated."""
MAX_NAME_CHARS = 40
NOTE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Assignment:
    """The state of a case or ring (`subject`) after a step."""

    subject: str
    version: int
    step: str
    assignee: str | None
    hold_until: str | None
    """ISO date: from this day on it is in the queue again."""
    is_escalated: bool
    note: str | None
    analyst: str
    at: str


def assignment_of(store: VerdictStore, subject: str) -> Assignment | None:
    """Return the newest state of a case or ring."""
    with store.reading() as db:
        row = db.execute("select * from work where subject = ?", (subject,)).fetchone()
    return _assignment(row) if row else None


def change_assignment(
    store: VerdictStore, subject: str, step: str, analyst: str, seen_version: int, value: str = "", note: str = ""
) -> Assignment:
    """Assign (`value`: to whom), hold (until which ISO date), escalate, or release a case or ring.

    Raises InvalidDecision for a wrong step, name or date, and where somebody else changed it in between.
    """
    if step not in STEPS:
        raise InvalidDecision(f"step {step!r} is none of {', '.join(STEPS)}")
    with store.writing() as (db, now):
        row = db.execute("select * from work where subject = ?", (subject,)).fetchone()
        latest = _assignment(row) if row else Assignment(subject, 0, RELEASE, None, None, False, None, analyst, now)
        if latest.version != seen_version:
            raise InvalidDecision(f"{latest.analyst} changed this in between ({latest.step}): look at it and try again")
        base = replace(
            latest, version=latest.version + 1, step=step, analyst=analyst, at=now, note=note[:NOTE_CHARS] or None
        )
        changed = _apply(base, value.strip(), now[:10])
        db.execute(
            "insert into assignments values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (subject, changed.version, step, changed.assignee, changed.hold_until, int(changed.is_escalated),
             changed.note, analyst, now),
        )  # fmt: skip
    return changed


def _apply(base: Assignment, value: str, today: str) -> Assignment:
    """Return the state after the step of `base`."""
    if base.step == ASSIGN:
        if not value or len(value) > MAX_NAME_CHARS:
            raise InvalidDecision(f"a case is assigned to a name of 1 to {MAX_NAME_CHARS} characters")
        return replace(base, assignee=" ".join(value.split()))
    if base.step == HOLD:
        try:
            until = date.fromisoformat(value).isoformat()
        except ValueError:
            raise InvalidDecision("choose the day on which it comes back to the queue") from None
        if until <= today:
            raise InvalidDecision(f"it is held until a day to come: {until} is not")
        return replace(base, hold_until=until)
    if base.step == ESCALATE:
        return replace(base, is_escalated=True)
    return replace(base, assignee=None, hold_until=None, is_escalated=False)


def known_analysts(store: VerdictStore) -> list[str]:
    """Return the names that decided, look at a case now, or were assigned one."""
    query = "select analyst from decisions union select assignee from assignments where assignee is not null"
    with store.reading() as db:
        return sorted({str(row[0]) for row in db.execute(query)} | set(live_leases(store).values()))


def _assignment(row: tuple[object, ...]) -> Assignment:
    subject, version, step, assignee, hold_until, is_escalated, note, analyst, at = row
    return Assignment(subject, version, step, assignee, hold_until, bool(is_escalated), note, analyst, at)  # type: ignore[arg-type]
