"""What a demo showed, in one table of facts: put together, judged, and said in words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contracts.events import ACTIVITY, PLAYS

FATES = ("sent", "in_sessions", "late", "duplicate", "rejected", "open", "lost")
"""Of the rows of a topic: sent = in_sessions + late + duplicate + rejected + open + lost."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of `summary.json`."""

    topics: dict[str, dict[str, int]]
    """Topic -> fate -> rows."""
    sessions: int
    flagged: int
    precision: float | None
    recall: float | None
    flagged_by_family: dict[str, int]
    rows_per_s: float
    """Rows sent, over the time from the first one sent to the last one accounted for: the demo's own pace."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def faults(self) -> list[str]:
        """Return what did not go as it should; nothing for a demo that went well."""
        found = [f"{self.topics[t]['lost']} rows of {t} were lost" for t in self.topics if self.topics[t]["lost"]]
        found += [f"{self.topics[t]['open']} rows of {t} are still open" for t in self.topics if self.topics[t]["open"]]
        if not self.flagged:
            return [*found, "no session was flagged"]
        missed = sorted(family for family, flagged in self.flagged_by_family.items() if not flagged)
        return [*found, *([f"nothing of {', '.join(missed)} was flagged"] if missed else [])]

    def words(self) -> list[str]:
        """Say it to a person, a line a fact."""
        plays, activity = self.topics[PLAYS], self.topics[ACTIVITY]
        families = ", ".join(f"{family} {flagged:,}" for family, flagged in sorted(self.flagged_by_family.items()))
        return [
            f"{plays['sent']:,} plays and {activity['sent']:,} activity rows became {self.sessions:,} scored sessions "
            f"in {self.seconds:.0f} s.",
            *(_account(topic, rows) for topic, rows in self.topics.items()),
            f"{self.flagged:,} sessions were flagged: precision {_share(self.precision)}, recall {_share(self.recall)} "
            f"against the simulator's truth.",
            f"Flagged by kind of bot: {families}.",
            "The data is synthetic, and a flag is a suspicion, not a proof.",
        ]


def _account(topic: str, rows: Mapping[str, int]) -> str:
    parts = ", ".join(f"{rows[fate]:,} {fate.replace('_', ' ')}" for fate in FATES[1:])
    return f"Of {rows['sent']:,} rows sent to {topic}: {parts}."


def _share(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.2f}"


def summarise(audit: Mapping[str, Any], evaluation: Mapping[str, Any], replay_s: float, seconds: float) -> Summary:
    """Put the audit's rows and the evaluation's figures (both as their commands' `--json`) together."""
    topics = {topic: {fate: int(audit["topics"][topic][fate]) for fate in FATES} for topic in (PLAYS, ACTIVITY)}
    sent = sum(rows["sent"] for rows in topics.values())
    return Summary(
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
