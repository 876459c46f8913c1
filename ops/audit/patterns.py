"""False alarms by what a source cannot tell: honest accounts of a simulated world, masked as each kind of source."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.measurable import SOURCE_PATTERNS
from models.account_windows.trees import load_window_trees
from models.labels.truth import label_sessions, label_user_days, read_account_truth
from models.labels.windows import label_windows
from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from models.reports.false_alarms import (
    FILTER,
    FOREST,
    FUSED,
    HYBRID,
    RULES,
    SCORER,
    WINDOWS,
    FalseAlarms,
    ScoredHistory,
    find_false_alarms,
)
from models.reports.fused_alarms import decide_history
from models.tables.static_tables import read_timezones
from models.user_days.detect import detect, honest_reference
from models.user_days.history import sort_user_days
from models.user_days.hybrid import FLAG
from ops.audit.run import score_known_windows
from runtime.arrays import Floats
from runtime.terminal import ReportProgress
from runtime.world import World, WorldError
from spark_app.local.rows import read_world_rows
from spark_app.local.scorer import read_scorer
from spark_app.local.sessions import scored_sessions, session_features
from spark_app.local.user_days import day_batch, user_days
from spark_app.stages.account_windows.account_days import AccountDays, summarize_days
from spark_app.stages.account_windows.compute_windows import ACCOUNTS_AT_ONCE, add_up_sessions, windows_of_summaries
from spark_app.stages.account_windows.window_batch import WindowBatch
from spark_app.stages.scoring.score import SessionScorer
from spark_app.stages.scoring.unknown import NEVER, scorer_of_source
from spark_app.stages.sessions.unmeasurable import mask_unmeasurable

DETECTORS = (SCORER, FILTER, RULES, FOREST, HYBRID, WINDOWS, FUSED)
UNITS = dict.fromkeys(DETECTORS, "days") | {SCORER: "sessions", FILTER: "sessions", WINDOWS: "windows"}
"""What a detector flags; its recall is the share of these that are a bot's."""


@dataclass(frozen=True, slots=True)
class PatternAlarms:
    """The alarms of one detector where a source lacks fields: per 100 person-days, with the ends of the interval."""

    pattern: str
    detector: str
    per_100: float | None
    """None where the detector does not flag: too little is known."""
    low: float
    high: float
    recall: float | None
    """Share of the bots' sessions, days or windows that are flagged at the same threshold."""
    by_cohort: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """By kind of honest listener: alarms per 100 of their days, with the ends of the interval; empty if not asked."""


@dataclass(frozen=True, slots=True)
class PatternWorld:
    """A simulated world as all patterns read it: user-days and windows with labels, sessions with features."""

    days: pd.DataFrame
    summaries: AccountDays
    """Of the days, as the windows read them."""
    features: pa.RecordBatch
    session_labels: pd.Series
    """Label by session_key: 1 a bot's, 0 honest, NaN mixed."""
    windows: pd.DataFrame
    """With label, without what the scores of sessions add up to."""
    honest: set[str]
    cohorts: pd.Series
    """Kind of listener by user_id."""
    timezones: pd.Series
    scorer: SessionScorer


def audit_patterns(
    world: World,
    report: ReportProgress,
    model: Path | None = None,
    patterns: Mapping[str, frozenset[str]] = SOURCE_PATTERNS,
    by_cohort: bool = False,
) -> list[PatternAlarms]:
    """Audit the honest accounts of a simulated world as each kind of source. Raises WorldError without truth.

    `patterns`: features that are not measurable, by the name of the kind of source. `by_cohort`: by kind of listener
    too.
    """
    if not world.truth("users.parquet").exists():
        raise WorldError(f"world {world.name} has no truth: --patterns needs a simulated world, whose bots are known")
    read = read_pattern_world(world, report, model)
    scorers = {name: scorer_of_source(read.scorer, unknown) for name, unknown in patterns.items()}
    sessions = {}
    for name, unknown in patterns.items():
        report(f"sessions as of {name}")
        sessions[name] = scored_sessions(mask_unmeasurable(read.features, unknown), scorers[name])
    sums = add_up(read.summaries, sessions)
    results = []
    for name, unknown in patterns.items():
        report(name)
        is_scored = scorers[name].review_threshold < NEVER
        windows = read.windows.assign(**sums[name])
        results += _of_pattern(read, name, unknown, sessions[name], windows, is_scored, by_cohort)
    return results


def read_pattern_world(world: World, report: ReportProgress, model: Path | None = None) -> PatternWorld:
    """Read a simulated world with labels: what each kind of source is masked from."""
    rows = read_world_rows(world)
    truth = read_account_truth(world)
    report(f"{len(rows.plays):,} plays to user-days, sessions and windows")
    days, baselines = user_days(rows)
    days = sort_user_days(label_user_days(days, world))
    features = session_features(rows, baselines)
    labels = label_sessions(features.select(["session_key", "user_id", "started_at", "ended_at"]).to_pandas(), world)
    with TemporaryDirectory(prefix="playproof-model-") as folder:
        scorer = read_scorer(verify_artefact(model or SHIPPED_SCORER, Path(folder)))
    summaries = AccountDays.from_table(summarize_days(day_batch(rows)))
    return PatternWorld(
        days=days,
        summaries=summaries,
        features=features,
        session_labels=labels.set_index("session_key")["label"],
        windows=label_windows(windows_of_summaries(summaries), days, truth),
        honest=set(truth.loc[truth["campaign_id"].isna(), "user_id"]),
        cohorts=truth.set_index("user_id")["cohort"],
        timezones=read_timezones(world),
        scorer=scorer,
    )


def add_up(days: AccountDays, sessions: dict[str, pd.DataFrame]) -> dict[str, dict[str, Floats]]:
    """Return by pattern what the scores of each window's sessions add up to, in the order of `windows_of_summaries`."""
    accounts = np.unique(days.user)
    parts: dict[str, list[dict[str, Floats]]] = {name: [] for name in sessions}
    for part in np.array_split(accounts, max(1, -(-len(accounts) // ACCOUNTS_AT_ONCE))):
        batch = WindowBatch.from_days(days, part)
        users = batch.days.users.take(pa.array(batch.user)).to_pandas()
        for name, scored in sessions.items():
            parts[name].append(add_up_sessions(batch, users, scored))
    return {
        name: {column: np.concatenate([part[column] for part in of]) for column in of[0]} for name, of in parts.items()
    }


def _of_pattern(
    read: PatternWorld,
    name: str,
    unknown: Collection[str],
    sessions: pd.DataFrame,
    windows: pd.DataFrame,
    is_scored: bool,
    by_cohort: bool,
) -> list[PatternAlarms]:
    days = read.days.assign(**{column: np.nan for column in unknown if column in read.days})
    windows = windows.assign(**{column: np.nan for column in unknown if column in windows})
    scored = score_known_windows(windows, load_window_trees(), unknown)
    history = ScoredHistory(
        name,
        sessions[sessions["user_id"].isin(read.honest)],
        days[days["user_id"].isin(read.honest)],
        read.timezones,
        None if scored is None else scored[scored["user_id"].isin(read.honest)],
        not_measurable=tuple(sorted(unknown)),
        is_scored=is_scored,
        is_simulated=True,
    )
    alarms = find_false_alarms(history)
    flags = detect(days, reference=honest_reference())
    fused = decide_history(flags, sessions, scored, read.timezones, unknown)
    of_session = read.session_labels.reindex(sessions["session_key"]).to_numpy()
    of_day, of_window = days["label"].to_numpy(), windows["label"].to_numpy()
    recall = {
        SCORER: _recall(sessions["is_flagged"], of_session),
        FILTER: _recall(sessions["is_filtered"], of_session),
        RULES: _recall(flags["by_rules"], of_day),
        FOREST: _recall(flags["by_forest"], of_day),
        HYBRID: _recall(flags["hybrid_score"] >= FLAG, of_day),
        WINDOWS: None if scored is None else _recall(scored["is_flagged"], of_window),
        FUSED: _recall(pd.Series(fused.is_suspected), of_day),
    }
    kinds = _by_kind(alarms, read.cohorts) if by_cohort else {}
    return [_of_detector(alarms, detector, recall[detector], kinds) for detector in DETECTORS]


def _by_kind(alarms: FalseAlarms, cohorts: pd.Series) -> dict[str, FalseAlarms]:
    parts = {str(kind): alarms.of_people({*users.index}) for kind, users in cohorts.groupby(cohorts)}
    return {kind: part for kind, part in parts.items() if len(part.person_days)}


def _of_detector(
    alarms: FalseAlarms, detector: str, recall: float | None, kinds: Mapping[str, FalseAlarms]
) -> PatternAlarms:
    if detector not in alarms.detectors:
        return PatternAlarms(alarms.history.name, detector, None, 0.0, 100.0, None)
    of_kinds = {kind: part.per_100(detector) for kind, part in kinds.items()}
    return PatternAlarms(alarms.history.name, detector, *alarms.per_100(detector), recall, of_kinds)


def _recall(is_flagged: pd.Series, label: Floats) -> float | None:
    positive = label == 1
    return float(is_flagged.to_numpy()[positive].mean()) if positive.any() else None


def format_patterns(results: list[PatternAlarms]) -> list[str]:
    """Format a table: a line for each kind of source, a column for each detector: alarms with interval, and recall."""
    return _table(results, [f"{name} ({UNITS[name]})" for name in DETECTORS], _format_cell)


def format_worst_cohorts(results: list[PatternAlarms]) -> list[str]:
    """Format the same table with the kind of listener that has most alarms of the detector, and how many."""
    return _table(results, DETECTORS, _format_worst)


def _table(results: list[PatternAlarms], heads: Sequence[str], format_one: Callable[[PatternAlarms], str]) -> list[str]:
    lines = [f"| source | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name in dict.fromkeys(entry.pattern for entry in results):
        cells = [format_one(entry) for entry in results if entry.pattern == name]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _format_cell(entry: PatternAlarms) -> str:
    if entry.per_100 is None:
        return "–"
    recall = "–" if entry.recall is None else f"{entry.recall:.1%}"
    return f"{entry.per_100:.2f} [{entry.low:.2f}, {entry.high:.2f}], {recall}"


def _format_worst(entry: PatternAlarms) -> str:
    """Format the kind with the most alarms per 100 of its days; of equal ones, the one whose interval is lowest."""
    if not entry.by_cohort:
        return "–"
    kind, (per_100, low, high) = max(entry.by_cohort.items(), key=lambda item: (item[1][0], -item[1][2]))
    return f"{kind} {per_100:.2f} [{low:.2f}, {high:.2f}]" if per_100 else "no alarm"
