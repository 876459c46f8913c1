"""Why alerts come late, by family: too few rows, facts that come later, or the threshold. Simulated worlds, no Spark.

Of the bots' sessions that the final score flags. In time is what `alert_delays` calls so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.errors import ModelError
from runtime.arrays import Floats
from runtime.units import MINUTE_MS
from runtime.world import World
from spark_app.batch.alert_delays import NEVER_MS, SOON_MIN, SOON_STREAMS, paid_streams, sessions_with_looks
from spark_app.stages.alerts.score_looks import score_looks_of
from spark_app.stages.scoring.score import SessionScorer
from spark_app.stages.scoring.unknown import scorer_of_source
from spark_app.stages.sessions.session_rows import WATERMARK_DELAY_MS

FALSE_ALERTS = (1, 2, 3, 5)
"""Honest sessions of 1,000 that a threshold gives an alert, at any look."""


def measure_limits(
    worlds: Sequence[World], scorer: SessionScorer, alerts: SessionScorer, per_thousand: Sequence[float] = FALSE_ALERTS
) -> dict[str, Any]:
    """Return by family the shares of its flagged sessions that are in time, and that could be.

    in_time: with the threshold that ships. in_time_at: with that of so many false alerts. has_look: have a look in time
    at all, the most that any model could reach. final_in_time: whose rows by then the final scorer itself would flag:
    of the others the facts come later. Raises WorldError where a world has no truth.
    """
    sessions = pd.concat([_limits(world, scorer, alerts) for world in worlds], ignore_index=True)
    honest = np.sort(sessions.loc[sessions["label"] == 0, "highest"].to_numpy())[::-1]
    if not len(honest):
        raise ModelError("no honest session in these worlds: simulate more accounts")
    at = {f"{per:g}": float(honest[int(per * len(honest) / 1000)]) for per in per_thousand}
    flagged = sessions[(sessions["label"] == 1) & sessions["is_flagged"]]
    families = {str(family): of for family, of in flagged.groupby("family")} | {"all": flagged}
    return {
        "honest_sessions": len(honest),
        "false_per_1000": 1000 * float((honest >= alerts.review_threshold).mean()),
        "threshold": alerts.review_threshold,
        "thresholds": at,
        "model_version": alerts.version,
        "by_family": {
            name: {
                "sessions": len(of),
                "has_look": _share(of["in_time"] > 0),
                "final_in_time": _share(of["final_in_time"]),
                "in_time": _share(of["in_time"] >= alerts.review_threshold),
                "in_time_at": {per: _share(of["in_time"] > threshold) for per, threshold in at.items()},
            }
            for name, of in families.items()
        },
    }


def format_limits(measured: Mapping[str, Any]) -> str:
    """Format what was measured as a table for the console."""
    lines = [
        f"{measured['model_version']}: {measured['false_per_1000']:.2f} false alerts per 1,000 honest sessions of "
        f"{measured['honest_sessions']:,}",
        f"{'family':<16}{'flagged':>8}{'a look':>8}{'final':>7}{'in time':>9}"
        + "".join(f"{'at ' + per:>7}" for per in measured["thresholds"]),
    ]
    for name, row in measured["by_family"].items():
        lines.append(
            f"{name:<16}{row['sessions']:>8,}{row['has_look']:>8.0%}{row['final_in_time']:>7.0%}{row['in_time']:>9.0%}"
            + "".join(f"{share:>7.0%}" for share in row["in_time_at"].values())
        )
    return "\n".join(lines)


def _limits(world: World, scorer: SessionScorer, alerts: SessionScorer) -> pd.DataFrame:
    """Return sessions with the highest score of any look and of one in time (0: none), and final_in_time."""
    sessions, looks = sessions_with_looks(world, scorer, alerts)
    final = scorer_of_source(scorer, world.not_measurable)
    looks["is_final"] = score_looks_of(looks, final) >= final.review_threshold
    deadline_ms = sessions["session_key"].to_frame().assign(at=_deadlines(sessions, paid_streams(sessions, world)))
    last_ms = looks["session_key"].map(deadline_ms.set_index("session_key")["at"])
    in_time = looks[(looks["at_ms"] + WATERMARK_DELAY_MS <= last_ms).to_numpy()].groupby("session_key")
    key = sessions["session_key"]
    return sessions.assign(
        highest=key.map(looks.groupby("session_key")["score"].max()).fillna(0.0),
        in_time=key.map(in_time["score"].max()).fillna(0.0),
        final_in_time=key.map(in_time["is_final"].max()).eq(True),
    )


def _deadlines(sessions: pd.DataFrame, paid: pd.DataFrame) -> Floats:
    """Return by session the last time at which an alert is in time; before all time without a paid stream."""
    number = paid.groupby("session").cumcount()
    first, too_many = (
        paid[number == n].set_index("session")["at_ms"].reindex(sessions.index) for n in (0, SOON_STREAMS)
    )
    soon = first.fillna(-NEVER_MS).to_numpy(dtype=np.float64) + SOON_MIN * MINUTE_MS
    return np.minimum(soon, too_many.fillna(NEVER_MS).to_numpy(dtype=np.float64) - 1)


def _share(values: pd.Series) -> float:
    return float(values.mean()) if len(values) else 0.0
