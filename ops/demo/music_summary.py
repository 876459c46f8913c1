"""The result of a demo: its figures, what is wrong with them, and the lines that a person reads."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contracts.events import ACTIVITY, PLAYS
from ops.demo.parts import row_faults

DISPOSITIONS = ("sent", "in_sessions", "late", "duplicate", "rejected", "open", "lost")
"""Of the rows of a topic: sent = in_sessions + late + duplicate + rejected + open + lost."""


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """The figures of `summary.json`."""

    topics: dict[str, dict[str, int]]
    """Topic -> disposition -> rows."""
    sessions: int
    flagged: int
    precision: float | None
    recall: float | None
    flagged_by_family: dict[str, int]
    rows_per_s: float
    """Rows sent, over the time from the first one sent to the last one accounted for."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def faults(self) -> list[str]:
        """Return what is not as a demo must show it, a phrase each; empty where all is well."""
        faults = row_faults(self.topics)
        if not self.flagged:
            return [*faults, "no session was flagged"]
        missed = sorted(family for family, flagged in self.flagged_by_family.items() if not flagged)
        return [*faults, *([f"nothing of {', '.join(missed)} was flagged"] if missed else [])]

    def lines(self) -> list[str]:
        """Return the lines that a person reads."""
        plays, activity = self.topics[PLAYS], self.topics[ACTIVITY]
        precision, recall = _format_share(self.precision), _format_share(self.recall)
        families = ", ".join(f"{family} {flagged:,}" for family, flagged in sorted(self.flagged_by_family.items()))
        return [
            f"{plays['sent']:,} plays and {activity['sent']:,} activity rows became {self.sessions:,} scored sessions "
            f"in {self.seconds:.0f} s.",
            *(_format_topic(topic, rows) for topic, rows in self.topics.items()),
            f"{self.flagged:,} sessions were flagged: precision {precision}, recall {recall} against the simulator's "
            "truth.",
            f"Flagged by kind of bot: {families}.",
            "The data is synthetic, and a flag is a suspicion, not a proof.",
        ]


def _format_topic(topic: str, rows: Mapping[str, int]) -> str:
    parts = ", ".join(f"{rows[name]:,} {name.replace('_', ' ')}" for name in DISPOSITIONS[1:])
    return f"Of {rows['sent']:,} rows sent to {topic}: {parts}."


def _format_share(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.2f}"


def summarise(
    reconciliation: Mapping[str, Any], evaluation: Mapping[str, Any], replay_s: float, seconds: float
) -> DemoSummary:
    """Join the rows of the reconciliation and the figures of the evaluation, both as their commands print as JSON."""
    topics = {
        topic: {name: int(reconciliation["topics"][topic][name]) for name in DISPOSITIONS}
        for topic in (PLAYS, ACTIVITY)
    }
    sent = sum(rows["sent"] for rows in topics.values())
    return DemoSummary(
        topics=topics,
        sessions=evaluation["sessions"],
        # sessions that are partly a bot's and partly honest count in neither precision nor recall, but were flagged
        flagged=evaluation["flagged"] + evaluation["mixed_flagged"],
        precision=evaluation["precision"]["value"],
        recall=evaluation["recall"]["value"],
        flagged_by_family=evaluation["flagged_by_family"],
        rows_per_s=round(sent / max(replay_s, 1e-9), 1),
        seconds=round(seconds, 1),
    )
