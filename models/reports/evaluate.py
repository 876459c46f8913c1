"""Evaluate the sessions that a world's job scored against the world's truth."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.labels.truth import label_sessions, read_account_truth
from models.metrics.flags import FlagReport, format_share, measure_flags
from models.tables.sessions import read_sessions
from runtime.world import World

_COLUMNS = [
    "session_key", "user_id", "started_at", "ended_at", "plays_rows", "score", "is_flagged", "is_filtered",
    "model_version",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class SessionEvaluation:
    """Flags of a world's sessions compared with truth."""

    world: str
    model_versions: list[str]
    flags: FlagReport
    """At the review threshold."""
    filtered: FlagReport
    """At the stricter threshold."""
    plays_outside: int
    """Plays of the world in no session: not replayed yet, in an open session, late, or rejected."""
    sessions_off: int
    """Sessions with another number of plays than truth has in their time span, because of late or rejected rows."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report at the review threshold and the other fields, for JSON."""
        return {
            "world": self.world,
            "model_versions": self.model_versions,
            **self.flags.as_dict(),
            "filtered": self.filtered.flagged,
            "filter_precision": self.filtered.as_dict()["precision"],
            "plays_outside": self.plays_outside,
            "sessions_off": self.sessions_off,
        }

    def lines(self) -> list[str]:
        """Format the evaluation, one line per fact."""
        flags = self.flags
        return [
            f"world {self.world}, scored by {', '.join(self.model_versions)}",
            f"sessions          {flags.sessions:,}, of them positive {flags.positives:,} "
            f"(prevalence {100 * flags.prevalence:.2f} % of the labelled)",
            f"flagged           {flags.flagged:,}; filtered {self.filtered.flagged:,}",
            f"precision         {format_share(flags.precision)}",
            f"recall            {format_share(flags.recall)}",
            f"filter precision  {format_share(self.filtered.precision)}",
            *(f"recall of {name:<15}{format_share(share)}" for name, share in flags.recall_by_family.items()),
            *(f"false alarms among {name}: {format_share(s)}" for name, s in flags.false_alarms_by_cohort.items()),
            f"mixed             {flags.mixed:,}, of them flagged {flags.mixed_flagged:,} (in none of the above)",
            f"outside           {self.plays_outside:,} plays in no session; "
            f"{self.sessions_off:,} sessions with another number of plays than truth",
            "Shares have 95 % intervals by account. Synthetic data; a flag is not proof.",
        ]


def evaluate_sessions(world: World, seed: int = 0) -> SessionEvaluation:
    """Evaluate the sessions of the world's current version. `seed` is that of the bootstrap.

    Raises WorldError where sessions, raw plays or truth are missing.
    """
    sessions = label_sessions(read_sessions(world.unit.table("sessions"), _COLUMNS), world)
    families = tuple(sorted(set(read_account_truth(world)["family"])))
    at_review, at_filter = (
        measure_flags(sessions.assign(is_flagged=sessions[flag].astype(bool)), np.random.default_rng(seed), families)
        for flag in ("is_flagged", "is_filtered")
    )
    return SessionEvaluation(
        world=world.name,
        model_versions=sorted(sessions["model_version"].dropna().unique()),
        flags=at_review,
        filtered=at_filter,
        plays_outside=sessions.attrs["rows_outside"],
        sessions_off=int((sessions["true_plays"] != sessions["plays_rows"]).sum()),
    )
