"""When a suspected case is due: the more money is at risk, the sooner."""

from datetime import UTC, datetime, timedelta

DUE_HOURS: tuple[tuple[float, int], ...] = ((100.0, 24), (10.0, 72), (0.0, 168))
"""Risk in euros (money at risk × probability) from which a case is due so many hours after its first flag.
Assumptions of this project: a day for what is worth an analyst's hour, a week for small change."""
DUE_DAYS_SQL = f"case {' '.join(f'when c.risk >= {eur} then {hours / 24}' for eur, hours in DUE_HOURS)} else 7 end"
"""The same in SQL, in days; `c` is the case."""


def due_at(first_flagged_at: str | None, risk: float) -> datetime | None:
    """Return when a case or ring is due; None where its first flag is not known.

    >>> due_at("2025-03-03T12:00:00Z", 12.5).isoformat()
    '2025-03-06T12:00:00+00:00'
    """
    if not first_flagged_at:
        return None
    at = datetime.fromisoformat(first_flagged_at)
    hours = next((hours for eur, hours in DUE_HOURS if risk >= eur), DUE_HOURS[-1][1])
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) + timedelta(hours=hours)


def time_left(first_flagged_at: str | None, risk: float, now: str) -> str:
    """Write how long there is until a case is due, or that it is overdue; empty where its first flag is not known.

    >>> time_left("2025-03-03T12:00:00Z", 120, "2025-03-04T06:00:00Z"), time_left("2025-03-03", 0, "2025-03-20T00:00Z")
    ('due in 6 h', 'overdue')
    """
    due = due_at(first_flagged_at, risk)
    if due is None:
        return ""
    hours = (due - datetime.fromisoformat(now)).total_seconds() / 3600
    if hours <= 0:
        return "overdue"
    return f"due in {hours:.0f} h" if hours < 48 else f"due in {hours / 24:.0f} days"
