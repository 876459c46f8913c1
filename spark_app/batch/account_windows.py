"""The table `account_windows` of a world's raw rows: every account over 7 and 28 days, scored, in one process."""

from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.account_windows import ACCOUNT_WINDOWS
from models.account_windows.trees import SHIPPED_WINDOWS, WindowTrees
from models.registry.artefact import SHIPPED_SCORER
from models.registry.champions import CHAMPIONS, WINDOW_CHAMPIONS
from models.registry.verify import verify_artefact
from models.tables.lake_tables import batch_files, read_parts, replace_part
from runtime.world import World
from spark_app.batch.account_summaries import Summaries, is_up_to_date, update_summaries
from spark_app.local.rows import WorldRows
from spark_app.local.scorer import read_scorer
from spark_app.local.sessions import scored_sessions, session_features
from spark_app.local.user_days import day_batch, own_histories
from spark_app.stages.account_windows.compute_windows import compute_windows, windows_of_summaries
from spark_app.stages.scoring.unknown import scorer_of_source

TABLE = "account_windows"


def build_windows(rows: WorldRows, unmeasurable: Collection[str] = (), model: Path | None = None) -> pd.DataFrame:
    """Compute the windows of a world's rows, with what the scores of their sessions add up to."""
    with TemporaryDirectory(prefix="playproof-model-") as folder:
        scorer = scorer_of_source(read_scorer(verify_artefact(model or SHIPPED_SCORER, Path(folder))), unmeasurable)
    sessions = scored_sessions(session_features(rows, own_histories(rows), unmeasurable), scorer)
    windows = compute_windows(day_batch(rows), sessions)
    return windows.assign(**{name: np.nan for name in unmeasurable if name in windows})


def score_windows(windows: pd.DataFrame, trees: WindowTrees, unmeasurable: Collection[str] = ()) -> pd.DataFrame:
    """Add the columns of the trees: log_odds, is_flagged, reasons, model_version."""
    scores = trees.score(windows, unmeasurable)
    return windows.assign(
        log_odds=scores.log_odds,
        probability=scores.probability,
        is_flagged=scores.is_flagged,
        reasons=pd.Series(scores.reasons, index=windows.index),
        model_version=trees.version,
    )[[column.name for column in ACCOUNT_WINDOWS]]


def build(world: World, trees: WindowTrees) -> tuple[pd.DataFrame, Summaries]:
    """Write the table of a world's raw rows, over that of an earlier run; return it, and what this run read.

    Dates that an earlier run read are not read again. Raises WorldError.
    """
    missing = world.not_measurable
    with TemporaryDirectory(prefix="playproof-model-") as folder:
        artefact = verify_artefact(SHIPPED_SCORER, Path(folder))
        scorer = scorer_of_source(read_scorer(artefact), missing)
    summaries = update_summaries(world, scorer, artefact.version, missing)
    windows = windows_of_summaries(summaries.days, summaries.sessions)
    windows = windows.assign(**{name: np.nan for name in missing if name in windows})
    table = score_windows(windows, trees, missing)
    replace_part(world.from_raw(TABLE), pa.Table.from_pandas(table, preserve_index=False))
    return table, summaries


def is_outdated(world: World) -> bool:
    """Whether other trees than those that ship scored the table, or a scorer or rows that are others now."""
    scorer = f"{SHIPPED_SCORER.name}@{CHAMPIONS[SHIPPED_SCORER.name][:8]}"
    trees = f"{SHIPPED_WINDOWS.name}@{WINDOW_CHAMPIONS[SHIPPED_WINDOWS.name][:8]}"
    scored_by = {*read_parts(batch_files(world.from_raw(TABLE)), ["model_version"])["model_version"]}
    return not scored_by <= {trees} or not is_up_to_date(world, scorer)


def format_summaries(summaries: Summaries) -> str:
    """Format which dates a run read."""
    dates = summaries.dates_read
    if not dates:
        return f"no new date: {summaries.days.n:,} account-days were summarized before"
    span = f"{dates[0]}" if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        f"read {len(dates)} new dates, {span}: {summaries.rows_read:,} rows; {summaries.days.n:,} account-days in all"
    )


def format_accounts(table: pd.DataFrame, max_accounts: int = 20) -> list[str]:
    """Format the flagged accounts, the strongest first, each with the reasons of its strongest window."""
    flagged = table[table["is_flagged"]].sort_values("log_odds", ascending=False)
    accounts = flagged.drop_duplicates("user_id")
    lines = [
        f"{len(table):,} windows of {table['user_id'].nunique():,} accounts; {len(accounts):,} accounts flagged in "
        f"{len(flagged):,} windows"
    ]
    for row in accounts.head(max_accounts).to_dict("records"):
        lines.append(f"{row['user_id']}  {row['days']} days to {row['last_day']}: {'; '.join(row['reasons'])}")
    return lines
