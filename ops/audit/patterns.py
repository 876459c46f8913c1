"""False alarms by what a source cannot tell: honest accounts of a simulated world, masked as each kind of source."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.measurable import SOURCE_PATTERNS
from models.labels.truth import label_sessions, read_account_truth
from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from models.reports.false_alarms import FILTER, FOREST, HYBRID, RULES, SCORER, ScoredHistory, find_false_alarms
from models.tables.static_tables import read_timezones
from runtime.terminal import ReportProgress
from runtime.world import World, WorldError
from spark_app.local.rows import read_world_rows
from spark_app.local.scorer import read_scorer
from spark_app.local.sessions import scored_sessions, session_features
from spark_app.local.user_days import user_days
from spark_app.stages.scoring.unknown import NEVER, scorer_of_source
from spark_app.stages.sessions.unmeasurable import mask_unmeasurable

DETECTORS = (SCORER, FILTER, RULES, FOREST, HYBRID)


@dataclass(frozen=True, slots=True)
class PatternAlarms:
    """The alarms of one detector where a source lacks fields: per 100 person-days, with the ends of the interval."""

    pattern: str
    detector: str
    per_100: float | None
    """None where the detector does not flag: too little is known."""
    low: float
    high: float
    session_recall: float | None
    """Share of the bots' sessions that the session scorer flags at the same threshold."""


def audit_patterns(world: World, report: ReportProgress, model: Path | None = None) -> list[PatternAlarms]:
    """Audit the honest accounts of a simulated world as each kind of source. Raises WorldError without truth."""
    if not world.truth("users.parquet").exists():
        raise WorldError(f"world {world.name} has no truth: --patterns needs a simulated world, whose bots are known")
    rows = read_world_rows(world)
    truth = read_account_truth(world)
    honest = pa.array(truth.loc[truth["campaign_id"].isna(), "user_id"])
    report(f"{len(rows.plays):,} plays to user-days and sessions")
    days, baselines = user_days(rows)
    days = days[days["user_id"].isin(honest.to_pylist())]
    features = session_features(rows, baselines)
    labels = label_sessions(features.select(["session_key", "user_id", "started_at", "ended_at"]).to_pandas(), world)
    with TemporaryDirectory(prefix="playproof-model-") as folder:
        scorer = read_scorer(verify_artefact(model or SHIPPED_SCORER, Path(folder)))
    zones = read_timezones(world)
    results = []
    for name, unknown in SOURCE_PATTERNS.items():
        report(name)
        masked_days = days.assign(**{column: np.nan for column in unknown if column in days})
        of_source = scorer_of_source(scorer, unknown)
        sessions = scored_sessions(mask_unmeasurable(features, unknown), of_source)
        is_honest = sessions["user_id"].isin(honest.to_pylist())
        is_scored = of_source.review_threshold < NEVER
        history = ScoredHistory(
            name, sessions[is_honest], masked_days, zones, not_measurable=tuple(sorted(unknown)), is_scored=is_scored,
            is_simulated=True,
        )  # fmt: skip
        results += _of_pattern(history, _recall(sessions, labels) if is_scored else None)
    return results


def _of_pattern(history: ScoredHistory, recall: float | None) -> list[PatternAlarms]:
    report = find_false_alarms(history)
    results = []
    for name in DETECTORS:
        rate, low, high = report.per_100(name) if name in report.detectors else (None, 0.0, 100.0)
        results.append(PatternAlarms(history.name, name, rate, low, high, recall if name == SCORER else None))
    return results


def _recall(sessions: pd.DataFrame, labels: pd.DataFrame) -> float | None:
    flagged = sessions.set_index("session_key")["is_flagged"].reindex(labels["session_key"]).to_numpy()
    positive = (labels["label"] == 1).to_numpy()
    return float(flagged[positive].mean()) if positive.any() else None


def format_patterns(results: list[PatternAlarms]) -> list[str]:
    """Format a table: a line for each kind of source, a column for each detector, and the recall of the scorer."""
    lines = ["| source | " + " | ".join(DETECTORS) + " | recall of sessions |", "|---" * (len(DETECTORS) + 2) + "|"]
    for name in dict.fromkeys(entry.pattern for entry in results):
        entries = [entry for entry in results if entry.pattern == name]
        cells = [
            "–" if entry.per_100 is None else f"{entry.per_100:.2f} [{entry.low:.2f}, {entry.high:.2f}]"
            for entry in entries
        ]
        recall = entries[0].session_recall
        lines.append(f"| {name} | {' | '.join(cells)} | {'–' if recall is None else format(recall, '.3f')} |")
    return lines
