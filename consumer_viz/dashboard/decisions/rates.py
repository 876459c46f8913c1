"""How often decided cases were confirmed, with an interval.

Verdicts are opinions, not truth. Every share has its count and a 95 % interval.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from consumer_viz.dashboard.decisions.rules import Decision
from contracts import verdicts as v
from models.metrics.intervals import wilson


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of cases: `hits` of `of`."""

    name: str
    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval (Wilson 1927), which is right for few cases and for shares of 0 and 1 too.

        >>> [round(x, 2) for x in Rate("", 9, 10).interval]
        [0.6, 0.98]
        """
        if not self.of:
            return (0.0, 1.0)
        return wilson(self.hits, self.of)


def by_week(decided: Iterable[Decision]) -> list[Rate]:
    """Return the precision of flags by week of the decision, named by its Monday (UTC), newest first."""
    hits: Counter[str] = Counter()
    of: Counter[str] = Counter()
    for d in decided:
        if d.drawn_by == v.RANDOM:
            continue
        day = datetime.fromisoformat(d.decided_at).astimezone(UTC).date()
        monday = (day - timedelta(days=day.weekday())).isoformat()
        of[monday] += 1
        hits[monday] += d.verdict == v.CONFIRM
    return [Rate(week, hits[week], of[week]) for week in sorted(of, reverse=True)]


def latest_verdicts(decisions: Iterable[Decision]) -> list[Decision]:
    """Return the newest decision of each case, of those cases that are confirmed or dismissed."""
    newest = {d.case_id: d for d in decisions}
    return [d for d in newest.values() if d.verdict in (v.CONFIRM, v.DISMISS)]
