"""Score a simulated world again: by detectors that never saw a bot's family, and as sources that lack fields tell it.

A detector knows the bots of its training better than those to come. A fusion that is fitted on such scores trusts it
too much, so the bots' scores here are of detectors that were trained without the family (as in the arena).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from contracts.labels import HONEST
from contracts.measurable import SOURCE_PATTERNS
from models.account_windows.trees import load_window_trees
from models.arena.detectors import score_units
from models.arena.tables import TEST, ArenaTables, deal_accounts
from models.fusion.evidence import log_odds
from models.fusion.model import COMPLETE
from models.fusion.training.groups import find_world_groups
from models.fusion.training.worlds import FusionWorld, MaskedScores, ScoresWithout, assemble_world
from models.labels.truth import label_sessions, paid_family, read_account_truth
from models.user_days.by_rules import apply_rules
from models.user_days.trees import load_trees
from ops.audit.patterns import PatternWorld, add_up, read_pattern_world
from runtime.terminal import ReportProgress
from runtime.world import World
from spark_app.batch.account_windows import score_windows
from spark_app.local.sessions import scored_sessions
from spark_app.stages.scoring.unknown import NEVER, scorer_of_source
from spark_app.stages.sessions.unmeasurable import mask_unmeasurable

FOLDS = 5
"""Times that the detectors are trained, each time without a fifth of the families."""
MASKS = tuple(
    f"{name}_no_zone"
    for name in (
        "plays_only", "extended_export", "exact_plays", "basic_export", "scrobbles", "coarse_scrobbles", "timestamps"
    )
)  # fmt: skip
"""Kinds of source that people import. A source that knows its time zone is decided as one that does not."""


def read_fusion_world(
    world: World, seed: int, report: ReportProgress, *, leaves_out: bool = False, masks: Sequence[str] = ()
) -> FusionWorld:
    """Read a simulated world's raw rows, score them by the shipped detectors, and find its groups of accounts.

    `leaves_out`: score the bots also by detectors that were trained here without their family. `masks`: kinds of
    source. Raises WorldError without truth.
    """
    read = read_pattern_world(world, report)
    accounts = read_account_truth(world)
    accounts["family"] = paid_family(accounts)
    sessions = scored_sessions(read.features, read.scorer)
    windows = read.windows.assign(**add_up(read.summaries, {COMPLETE: sessions})[COMPLETE])
    return assemble_world(
        read.days.assign(trees_score=load_trees().score(read.days)[1]),
        sessions,
        score_windows(windows, load_window_trees()),
        read.timezones,
        accounts,
        find_world_groups(world, seed, accounts),
        score_left_out(arena_tables(read, world), seed, report) if leaves_out else (),
        mask_world(read, report, masks),
    )


def score_left_out(tables: ArenaTables, seed: int, report: ReportProgress) -> list[ScoresWithout]:
    """Return the scores of all families, each by detectors that were trained without it."""
    families = sorted(set(tables.accounts["family"]) - {HONEST})
    without = []
    for number in range(min(FOLDS, len(families))):
        left_out = families[number::FOLDS]
        report(f"run {number + 1} of {FOLDS}: without {', '.join(left_out)}")
        without.append(score_without(tables, left_out, seed))
    return without


def mask_world(read: PatternWorld, report: ReportProgress, masks: Sequence[str]) -> dict[str, MaskedScores]:
    """Return the scores of all accounts by kind of source."""
    return {name: score_masked(read, name, report) for name in masks}


def arena_tables(read: PatternWorld, world: World) -> ArenaTables:
    """Return sessions, user-days and windows with labels as the arena reads them."""
    features = read.features.to_pandas().drop(columns=["track_counts", "client_session_ids"])
    accounts = read_account_truth(world)
    accounts["family"] = paid_family(accounts)
    days = read.days.assign(account_family=read.days["user_id"].map(accounts.set_index("user_id")["family"]))
    days["rules_score"] = apply_rules(days).score
    return ArenaTables(label_sessions(features, world), days, read.windows, accounts, found=None)


def score_without(tables: ArenaTables, families: Sequence[str], seed: int) -> ScoresWithout:
    """Score the accounts of some families, and honest ones, by detectors that were trained on neither."""
    part = deal_accounts(tables.accounts, set(families), np.random.default_rng(seed))
    scores = score_units(tables, part, seed)
    tested = tables.accounts[part == TEST]
    kept = tested.loc[tested["family"].isin([HONEST, *families]), "user_id"]
    sessions = tables.sessions[["user_id", "started_at"]].assign(score=expit(scores.sessions))
    days = tables.days[["user_id", "local_date"]].assign(trees_score=expit(scores.days))
    windows = tables.windows[["user_id", "last_day", "days"]].assign(log_odds=scores.windows)
    return ScoresWithout(frozenset(families), *(rows[rows["user_id"].isin(kept)] for rows in (sessions, days, windows)))


def score_masked(read: PatternWorld, name: str, report: ReportProgress) -> MaskedScores:
    """Score all accounts by the shipped detectors, as a kind of source would tell of them."""
    report(f"accounts as of {name}")
    unknown = SOURCE_PATTERNS[name]
    scorer = scorer_of_source(read.scorer, unknown)
    sessions = scored_sessions(mask_unmeasurable(read.features, unknown), scorer)
    windows = read.windows.assign(**add_up(read.summaries, {name: sessions})[name])
    windows = windows.assign(**{column: np.nan for column in unknown if column in windows})
    trees = load_window_trees()
    pattern = trees.pattern_of(windows, unknown)
    scored: pd.DataFrame = score_windows(windows, trees, unknown)
    is_scored = scorer.review_threshold < NEVER
    return MaskedScores(
        sessions if is_scored else None,
        scored,
        float(log_odds(np.array([scorer.review_threshold]))[0]) if is_scored else None,
        None if pattern is None else pattern.review,
    )
