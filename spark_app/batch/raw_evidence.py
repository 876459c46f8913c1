"""What the daily run reads, from raw rows and in one process: user-days, scored sessions and account windows.

A world that no job has read has none of them. On Spark each is a command of its own; here the rows are read once.
"""

from collections.abc import Iterable
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.events import PLAYS
from models.account_windows.trees import load_window_trees
from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from models.tables.lake_tables import batch_files, lake_schema, replace_part
from models.tables.sessions import SCORED_IN_BATCH
from runtime.terminal import ReportProgress
from runtime.world import World
from spark_app.batch import account_windows
from spark_app.local.rows import read_world_rows
from spark_app.local.scorer import read_scorer
from spark_app.local.sessions import session_features
from spark_app.local.user_days import day_batch, user_days
from spark_app.stages.account_windows.compute_windows import compute_windows
from spark_app.stages.scoring.score import score_batch
from spark_app.stages.scoring.unknown import scorer_of_source

USER_DAYS = "user_days"
TABLES = (USER_DAYS, SCORED_IN_BATCH, account_windows.TABLE)
MAX_PLAYS = 8_000_000
"""Plays of a world up to which its rows are computed in memory: about 2 GB per million plays with their activity."""


def missing_tables(world: World) -> list[str]:
    """List the tables of TABLES that a world's raw rows do not have yet, or that are older than the rows.

    None where the rows are gone and their user-days are there. Raises WorldError where there is neither.
    """
    files = [] if batch_files(world.from_raw(USER_DAYS)) else world.raw_files(PLAYS)
    files = files or sorted(world.raw(PLAYS).glob("date=*/*.parquet"))
    if not files:
        return []
    newest = max(file.stat().st_mtime for file in files)
    return [name for name in TABLES if not _is_newer(batch_files(world.from_raw(name)), newest)]


def fits_in_memory(world: World) -> bool:
    """Return whether a world's raw plays are few enough for one process."""
    return sum(pq.read_metadata(file).num_rows for file in world.raw_files(PLAYS)) <= MAX_PLAYS


def build(world: World, report: ReportProgress) -> None:
    """Write all tables of TABLES of a world's raw rows, over those of an earlier run. Raises WorldError."""
    unmeasurable = world.not_measurable
    rows = read_world_rows(world)
    report(f"{len(rows.plays):,} plays to user-days")
    days, baselines = user_days(rows, unmeasurable)
    schema = lake_schema(USER_DAYS)
    _replace(world.from_raw(USER_DAYS), pa.Table.from_pandas(days[schema.names], schema=schema, preserve_index=False))
    report("sessions")
    with TemporaryDirectory(prefix="playproof-model-") as folder:
        scorer = scorer_of_source(read_scorer(verify_artefact(SHIPPED_SCORER, Path(folder))), unmeasurable)
    sessions = score_batch(session_features(rows, baselines, unmeasurable), scorer)
    _replace(world.from_raw(SCORED_IN_BATCH), pa.Table.from_batches([sessions]))
    report("windows of 7 and 28 days")
    scores = sessions.select(["user_id", "ended_at", "score"]).to_pandas()
    windows = compute_windows(day_batch(rows), scores)
    windows = windows.assign(**{name: float("nan") for name in unmeasurable if name in windows})
    scored = account_windows.score_windows(windows, load_window_trees(), unmeasurable)
    _replace(world.from_raw(account_windows.TABLE), pa.Table.from_pandas(scored, preserve_index=False))


def _replace(folder: Path, content: pa.Table) -> None:
    """Write a table's one file; parts that Spark wrote there before are removed."""
    rmtree(folder, ignore_errors=True)
    replace_part(folder, content)


def _is_newer(files: Iterable[Path], time: float) -> bool:
    times = [file.stat().st_mtime for file in files]
    return bool(times) and min(times) >= time
