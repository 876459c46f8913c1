"""From the files of a person, or from a world on disk, to what every detector would have flagged."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from models.account_windows.trees import WindowTrees, load_window_trees
from models.labels.truth import read_account_truth
from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from models.reports.false_alarms import FalseAlarms, ScoredHistory, find_false_alarms
from models.tables.static_tables import read_timezones
from models.user_days.trees import load_trees
from producer.importers.layout import Options
from producer.importers.run import import_history
from runtime import terminal
from runtime.world import World
from spark_app.batch.account_windows import score_windows
from spark_app.local.rows import read_world_rows
from spark_app.local.scorer import read_scorer
from spark_app.local.sessions import scored_sessions, session_features
from spark_app.local.user_days import day_batch, user_days
from spark_app.stages.account_windows.compute_windows import compute_windows
from spark_app.stages.scoring.unknown import NEVER, scorer_of_source

STEPS = ("reading the rows", "user-days", "sessions", "scoring", "windows of 7 and 28 days", "detectors")


@dataclass(frozen=True, slots=True)
class Audit:
    """The report of a history, and the seconds that it took."""

    report: FalseAlarms
    seconds: float


def audit_files(
    paths: Sequence[Path], layout: str | None, options: Options, timezone: str | None, model: Path | None = None
) -> Audit:
    """Import files into a folder that is removed afterwards, and audit them. Raises HistoryError, ModelError."""
    begun = time.monotonic()
    with TemporaryDirectory(prefix="playproof-audit-") as folder:
        world = World(Path(folder) / "export")
        import_history(paths, world, layout, options, timezone, now_ms=int(time.time() * 1000))
        named = ", ".join(path.name for path in paths[:3]) + ("…" if len(paths) > 3 else "")
        return replace(audit_world(world, model, named), seconds=time.monotonic() - begun)


def audit_world(world: World, model: Path | None = None, name: str | None = None) -> Audit:
    """Audit a world: an imported one, or the honest accounts of a simulated one. Raises WorldError, ModelError."""
    begun = time.monotonic()
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), transient=True,
        console=terminal.error_console(),
    ) as bar:  # fmt: skip
        task = bar.add_task(STEPS[0], total=len(STEPS))

        def step(description: str) -> None:
            bar.update(task, advance=1, description=description)

        history = score_history(world, model, name or f"world {world.name}", step)
        trees = None if history.not_measurable else load_trees()
        report = find_false_alarms(history, trees)
    return Audit(report, time.monotonic() - begun)


def score_known_windows(
    windows: pd.DataFrame, trees: WindowTrees, unmeasurable: Collection[str]
) -> pd.DataFrame | None:
    """Score windows; None where too little is known of them to flag any."""
    pattern = trees.pattern_of(windows, unmeasurable)
    return None if pattern is None or pattern.review is None else score_windows(windows, trees, unmeasurable)


def score_history(world: World, model: Path | None, name: str, step: Callable[[str], None]) -> ScoredHistory:
    """Compute sessions and user-days of a world in this process, and score the sessions."""
    rows, missing = read_world_rows(world), world.not_measurable
    is_simulated = world.truth("users.parquet").exists()
    if is_simulated:
        truth = read_account_truth(world)
        rows = rows.of_accounts(truth.loc[truth["campaign_id"].isna(), "user_id"].tolist())
    step(STEPS[1])
    days, baselines = user_days(rows, missing)
    step(STEPS[2])
    features = session_features(rows, baselines, missing)
    step(STEPS[3])
    with TemporaryDirectory(prefix="playproof-model-") as folder:
        artefact = verify_artefact(model or SHIPPED_SCORER, Path(folder))
        scorer = scorer_of_source(read_scorer(artefact), missing)
    sessions = scored_sessions(features, scorer)
    step(STEPS[4])
    windows = compute_windows(day_batch(rows), sessions)
    windows = windows.assign(**{feature: np.nan for feature in missing if feature in windows})
    step(STEPS[5])
    return ScoredHistory(
        name=name,
        sessions=sessions,
        days=days,
        windows=score_known_windows(windows, load_window_trees(), missing),
        timezones=read_timezones(world),
        not_measurable=missing,
        is_scored=scorer.review_threshold < NEVER,
        is_simulated=is_simulated,
        facts={} if is_simulated else world.read_import_report(),
    )
