"""How soon an open session is alerted, by family, in a simulated world, against a score at its close. No Spark.

The looks, features and trees are those of the stream, and truth says when a bot's first paid stream was. Times are the
listeners'. An alert comes when the watermark has passed its look; a score at the close when it has passed the gap too.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from contracts.events import STREAM_MS
from models.errors import ModelError
from models.labels.sessions import find_sessions
from models.labels.truth import label_sessions, read_plays_with_truth
from models.metrics.intervals import share_by_account
from models.tables.times import epoch_ms
from runtime.arrays import Ints
from runtime.units import MINUTE_MS
from runtime.world import World
from spark_app.local.looks import look_table
from spark_app.local.rows import read_world_rows
from spark_app.local.sessions import scored_sessions, session_features
from spark_app.local.user_days import own_histories
from spark_app.stages.alerts.score_looks import score_looks_of
from spark_app.stages.scoring.score import SessionScorer
from spark_app.stages.scoring.unknown import scorer_of_source
from spark_app.stages.sessions.session_rows import SESSION_GAP_MS, WATERMARK_DELAY_MS

SOON_MIN, SOON_STREAMS = 20, 25
"""An alert is in time within so many minutes and paid streams of the first paid one: the aim of `share_alerted`."""
NEVER_MS = 2**52
_IDENTITY = ["session_key", "user_id", "started_at", "ended_at", "is_flagged"]


def measure_alerts(worlds: list[World], scorer: SessionScorer, alerts: SessionScorer, seed: int = 1) -> dict[str, Any]:
    """Measure alerts in simulated worlds that no model was trained on. `seed`: of the intervals.

    by_family: of the bots' sessions that the final score flags, the share alerted within SOON_MIN minutes and
    SOON_STREAMS paid streams of the first paid one, and the medians of both over all that are alerted; `at_close`: the
    same medians, over all, for a score at the close. false_per_1000_honest_sessions counts a session once, whatever
    look raised the alert. A median of no session is null. Raises WorldError where a world has no truth.
    """
    sessions = pd.concat([_sessions(world, scorer, alerts) for world in worlds], ignore_index=True)
    honest = sessions[sessions["label"] == 0]
    is_false = honest["alert_ms"] < NEVER_MS
    share = share_by_account(honest["user_id"], is_false, np.random.default_rng(seed))
    if share.value is None:
        raise ModelError("no honest session in these worlds: simulate more accounts")
    alerted = sessions[sessions["alert_ms"] < NEVER_MS]
    flagged = sessions[(sessions["label"] == 1) & sessions["is_flagged"]]
    return {
        "false_per_1000_honest_sessions": 1000 * share.value,
        "false_per_1000_interval": [1000 * share.low, 1000 * share.high],
        "honest_sessions": share.n,
        "alerted_sessions": len(alerted),
        "withdrawn_sessions": int((~alerted["is_flagged"]).sum()),
        "soon": {"minutes": SOON_MIN, "paid_streams": SOON_STREAMS},
        "model_version": alerts.version,
        "worlds": [world.name for world in worlds],
        "by_family": {str(family): _delays(of_family) for family, of_family in flagged.groupby("family")},
        "all_families": _delays(flagged),
    }


def write_alerts(measured: Mapping[str, Any], results: Path) -> None:
    """Write what was measured as key `alerts` of a JSON file, and leave its other keys as they are."""
    known = json.loads(results.read_text()) if results.exists() else {}
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(known | {"alerts": measured}, indent=1, allow_nan=False) + "\n")


def format_alerts(measured: Mapping[str, Any]) -> str:
    """Format what was measured as a table for the console."""
    low, high = measured["false_per_1000_interval"]
    lines = [
        f"false alerts: {measured['false_per_1000_honest_sessions']:.2f} [{low:.2f}, {high:.2f}] per 1,000 honest "
        f"sessions of {measured['honest_sessions']:,}; {measured['withdrawn_sessions']:,} of "
        f"{measured['alerted_sessions']:,} alerts withdrawn; {measured['model_version']}",
        f"{'family':<16}{'flagged':>8}{'in time':>9}{'at all':>8}{'minutes':>9}{'streams':>9}{'at close:':>11}"
        f"{'minutes':>9}{'streams':>9}",
    ]
    for family, row in {**measured["by_family"], "all": measured["all_families"]}.items():
        medians = [row[name] for name in ("median_delay_min", "median_paid_streams_before")]
        medians += [row["at_close"][name] for name in ("median_delay_min", "median_paid_streams_before")]
        cells = ["–" if value is None else f"{value:.0f}" for value in medians]
        lines.append(
            f"{family:<16}{row['sessions']:>8,}{row['share_alerted']:>9.0%}{row['share_alerted_ever']:>8.0%}"
            f"{cells[0]:>9}{cells[1]:>9}{'':>11}{cells[2]:>9}{cells[3]:>9}"
        )
    return "\n".join(lines)


def _sessions(world: World, scorer: SessionScorer, alerts: SessionScorer) -> pd.DataFrame:
    """Return the labelled sessions of a world with alert_ms (NEVER_MS without one), close_ms, and paid streams so far.

    Columns first_paid_ms, alert_paid and close_paid: event time of the first paid stream; paid streams by then.
    """
    sessions, looks = sessions_with_looks(world, scorer, alerts)
    over = looks[looks["score"] >= scorer_of_source(alerts, world.not_measurable).review_threshold]
    first = over.groupby("session_key")["at_ms"].min() + WATERMARK_DELAY_MS
    alert_ms = sessions["session_key"].map(first).fillna(NEVER_MS).astype(np.int64)
    paid = paid_streams(sessions, world)
    at_alert = alert_ms.to_numpy()[paid["session"]]
    first_paid_ms = paid.groupby("session")["at_ms"].min().reindex(sessions.index, fill_value=NEVER_MS)
    counts = [_count(some, sessions) for some in (paid[paid["at_ms"] <= at_alert], paid)]
    return sessions.assign(
        alert_ms=alert_ms, first_paid_ms=first_paid_ms, alert_paid=counts[0], close_paid=counts[1],
        close_ms=epoch_ms(sessions["ended_at"]) + SESSION_GAP_MS + WATERMARK_DELAY_MS,
    )  # fmt: skip


def sessions_with_looks(
    world: World, scorer: SessionScorer, alerts: SessionScorer
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a world's labelled sessions with is_flagged, and the looks at them (`look_table`) with their score."""
    rows, unknown = read_world_rows(world), world.not_measurable
    histories = own_histories(rows)
    features = session_features(rows, histories, unknown)
    sessions = label_sessions(scored_sessions(features, scorer_of_source(scorer, unknown))[_IDENTITY], world)
    looks = look_table(rows, histories, unknown)
    return sessions, looks.assign(score=score_looks_of(looks, scorer_of_source(alerts, unknown)))


def paid_streams(sessions: pd.DataFrame, world: World) -> pd.DataFrame:
    """Return a row per paid stream: session, its position in `sessions`, and at_ms, its event time; sorted by both."""
    parts = []
    for plays in read_plays_with_truth(world):
        is_paid = plays["is_paid"].to_numpy(dtype=bool) & (plays["listen_ms"].to_numpy() >= STREAM_MS)
        paid = plays[is_paid]
        parts.append(pd.DataFrame({"session": find_sessions(sessions, paid), "at_ms": epoch_ms(paid["event_time"])}))
    table = pd.concat(parts, ignore_index=True)
    return table[table["session"] >= 0].sort_values(["session", "at_ms"], ignore_index=True)


def _count(paid: pd.DataFrame, sessions: pd.DataFrame) -> Ints:
    return np.bincount(paid["session"], minlength=len(sessions))


def _delays(flagged: pd.DataFrame) -> dict[str, Any]:
    """Return shares and medians of flagged sessions of bots."""
    has_alert = flagged["alert_ms"] < NEVER_MS
    alerted = flagged[has_alert]
    minutes = (alerted["alert_ms"] - alerted["first_paid_ms"]) / MINUTE_MS
    in_time = (minutes <= SOON_MIN) & (alerted["alert_paid"] <= SOON_STREAMS)
    close_minutes = (flagged["close_ms"] - flagged["first_paid_ms"]) / MINUTE_MS
    return {
        "sessions": len(flagged),
        "share_alerted": float(in_time.sum() / max(len(flagged), 1)),
        "share_alerted_ever": float(has_alert.mean()) if len(flagged) else 0.0,
        "median_delay_min": _median(minutes),
        "median_paid_streams_before": _median(alerted["alert_paid"]),
        "at_close": {
            "median_delay_min": _median(close_minutes),
            "median_paid_streams_before": _median(flagged["close_paid"]),
        },
    }


def _median(values: pd.Series) -> float | None:
    return round(float(values.median()), 2) if len(values) else None
