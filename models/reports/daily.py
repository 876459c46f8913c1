"""The daily run: user-days, campaigns, tracks and accounts of a world, from its lake to tables and a report."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from contracts.wording.quantities import count_of
from models.account_windows.trees import load_window_trees
from models.campaigns.find import find_campaigns
from models.campaigns.recall import format_recall
from models.drift.champion import measure_daily
from models.fusion.decide import Sources, decide_days, name_evidence
from models.fusion.evidence import session_threshold, window_threshold
from models.fusion.model import FusionModel, load_fusion
from models.labels.truth import label_user_days
from models.registry.roles import FOLDER, Registry
from models.reports.habits import find_habits, format_habits
from models.reports.queue_quality import format_queue_quality
from models.risk.accounts import rank_accounts
from models.risk.money import Prices
from models.risk.tracks import TARGET, artist_risk, suspicious_plays, track_risk
from models.rules.daily import write_rule_days
from models.tables.lake_tables import batch_files, read_parts, read_table, write_table
from models.tables.plays import Plays, Source, read_plays
from models.tables.sessions import SCORED_IN_BATCH, read_sessions
from models.tables.static_tables import read_popularity, read_static, read_timezones
from models.user_days.calibration import PREVALENCE, measure_curve
from models.user_days.categories import load_categories
from models.user_days.detect import SEED, detect, reference_for
from models.user_days.history import sort_user_days
from models.user_days.queue import review_list, to_csv, with_priority
from models.user_days.report.evaluation import UserDayEvaluation, evaluate_if_truth, evaluate_user_days
from models.user_days.report.page import render
from models.user_days.report.study import as_markdown, study
from models.user_days.trees import load_trees
from runtime.lake import listed_files
from runtime.world import World, WorldError

USER_DAYS_COMMAND = "playproof days build"
_KEYS = ["user_id", "local_date", "plan", "country", "plays", "streams"]


@dataclass(slots=True)
class DailyRun:
    """Results of a daily run: flags of user-days, their evaluation where truth exists, summary, path of the report."""

    flags: pd.DataFrame
    evaluation: UserDayEvaluation | None
    lines: list[str] = field(default_factory=list)
    report: Path = Path()


def run_daily(world: World, source: Source = "auto", seed: int = SEED) -> DailyRun:
    """Detect suspected user-days, campaigns, tracks and accounts of a world; write tables, review list and report.

    `seed` is that of the forest and of the random draws. Raises WorldError where a table is missing.
    """
    fusion = load_fusion()
    plays = read_plays(world, source)
    campaigns = write_campaigns(world, plays, fusion, seed)
    sources = read_sources(world, campaigns)
    daily, by_account = write_user_day_flags(world, sources, fusion, seed)
    daily.lines += ["", *format_campaigns(campaigns, world)]
    daily.lines += ["", *write_risks(world, plays, daily.flags, sources, by_account, fusion)]
    daily.lines += ["", *write_habits(world, plays, seed)]
    daily.lines += write_rule_days(world)
    daily.lines += ["", *measure_daily(world, Registry(world.root.parent / FOLDER))]
    folder = world.unit.root / "daily"
    folder.mkdir(parents=True, exist_ok=True)
    write_review(folder, daily.flags)
    title = f"Suspected user-days of world {world.name}"
    daily.report = folder / "report.html"
    daily.report.write_text(render(title, daily.lines, daily.flags, daily.evaluation))
    return daily


def write_user_day_flags(
    world: World, sources: Sources, fusion: FusionModel, seed: int = SEED
) -> tuple[DailyRun, pd.Series]:
    """Decide about the user-days of a world and write table `user_day_flags`; return the probability by account too.

    Raises WorldError without user-days.
    """
    days = sort_user_days(read_user_days(world))
    trees = None if world.not_measurable else load_trees()
    categories = None if world.not_measurable else load_categories()
    detected = detect(days, seed, trees, None, reference_for(days))
    decided_flags, decided = decide_days(detected, sources, fusion)
    by_account = fusion.of_accounts(decided_flags["user_id"], decided.log_odds)
    named = name_evidence(decided_flags, days, trees, categories)
    flags = with_priority(named, np.random.default_rng(seed))
    write_table(world, "user_day_flags", flags)
    flagged = flags[flags["is_flagged"]]
    both = int((flags["by_rules"] & flags["by_forest"]).sum())
    lines = [
        f"world {world.name}, {flags['model_version'].iat[0]}, seed {seed}",
        f"user-days         {len(flags):,} of {flags['user_id'].nunique():,} accounts, "
        f"{flags['local_date'].min():%Y-%m-%d} to {flags['local_date'].max():%Y-%m-%d}",
        f"suspected         {len(flagged):,} by all evidence together ({fusion.version}): {format_sources(sources)}",
        *(
            f"outdated          {name} was trained after the fusion: run  make train-fusion"
            for name in fusion.outdated()
        ),
        f"single detectors  trees {int(flags['by_trees'].sum()):,}, rules {int(flags['by_rules'].sum()):,}, forest "
        f"{int(flags['by_forest'].sum()):,}, these two {both:,} user-days: evidence, no flag by themselves",
        *([] if trees else [f"trees             did not run: this import lacks {', '.join(world.not_measurable)}"]),
        f"without history   {int(flags['baseline'].eq('cohort').sum()):,} were compared with their cohort; "
        f"{int((flagged['baseline'] == 'cohort').sum()):,} of the suspected",
        f"drawn at random   {int(flags['is_sample'].sum()):,} unflagged, for review as well",
        f"money at risk     {flagged['money_at_risk_eur'].sum():.2f} EUR in flagged user-days",
    ]
    evaluation = evaluate_if_truth(flags, world, np.random.default_rng(seed))
    return DailyRun(flags, evaluation, lines + (evaluation.lines() if evaluation else [])), by_account


def format_sources(sources: Sources) -> str:
    """Format which evidence a world has besides its user-days."""
    counts = {"scored sessions": sources.sessions, "account windows": sources.windows}
    return ", ".join(f"{'no' if t is None else format(len(t), ',')} {name}" for name, t in counts.items())


def study_world(world: World, seed: int = SEED) -> str:
    """Return how good each detector is, and the table of `study` as Markdown. Raises WorldError without truth."""
    days = read_user_days(world)
    if not world.truth("users.parquet").exists():
        raise WorldError(f"world {world.name} has no truth to compare with: take a simulated one")
    evaluation = evaluate_user_days(detect(days, seed, load_trees()), world, np.random.default_rng(seed))
    without_labels = label_user_days(detect(days, seed), world)
    curve = f"probability by score at a prevalence of {PREVALENCE}: {measure_curve(evaluation.labelled)}"
    return "\n".join([*evaluation.lines(), "", curve, "", as_markdown(study(days, without_labels, seed))])


def read_user_days(world: World) -> pd.DataFrame:
    """Read the user-days of a world with all their features. Raises WorldError where there are none."""
    return read_table(world, "user_days", USER_DAYS_COMMAND, [*_KEYS, *USER_DAY_FEATURE_NAMES])


def write_campaigns(world: World, plays: Plays, fusion: FusionModel, seed: int = SEED) -> pd.DataFrame:
    """Find the campaigns of a world and write table `campaigns`."""
    accounts = read_static(world, "users", ["user_id", "payment_id"])
    popularity = read_popularity(world, plays.tracks)
    campaigns = find_campaigns(plays, accounts, popularity, np.random.default_rng(seed), fusion.groups)
    write_table(world, "campaigns", campaigns)
    return campaigns


def write_habits(world: World, plays: Plays, seed: int = SEED) -> list[str]:
    """Find what repeats and weeks that are high, by account; write table `account_habits`, return lines on it."""
    habits = find_habits(plays, read_user_days(world), np.random.default_rng(seed))
    write_table(world, "account_habits", habits)
    return format_habits(habits)


def format_campaigns(campaigns: pd.DataFrame, world: World) -> list[str]:
    """Format the flagged groups by kind, and their comparison with truth where the world has any."""
    flagged = campaigns[campaigns["is_flagged"]]
    by_kind = flagged.groupby("kind")["size"].agg(["size", "sum"])
    kinds = [f"{kind} {int(row['size'])} ({int(row['sum'])} accounts)" for kind, row in by_kind.iterrows()]
    return [
        f"campaigns         {len(flagged):,} suspected: {', '.join(kinds) or 'none'}",
        *format_recall(campaigns, world),
    ]


def write_risks(
    world: World, plays: Plays, flags: pd.DataFrame, sources: Sources, probability: pd.Series, fusion: FusionModel
) -> list[str]:
    """Write tables `track_risk` and `account_risk`; return the lines that sum them up."""
    prices, campaigns = Prices(), sources.campaigns
    windows = None if sources.windows is None else sources.windows[sources.windows["is_flagged"]]
    suspicious = suspicious_plays(plays, flags, campaigns, windows)
    artists = read_static(world, "tracks", ["track_id", "artist_id"]).set_index("track_id")["artist_id"]
    plan = read_static(world, "users", ["user_id", "plan"]).set_index("user_id")["plan"]
    weight = np.asarray(plan.reindex(plays.users).map(prices.weights).fillna(1.0), dtype=np.float64)
    tracks = track_risk(plays, suspicious, artists, weight, str(flags["model_version"].iat[0]), prices)
    write_table(world, "track_risk", tracks)
    accounts = rank_accounts(
        flags, campaigns, plays, suspicious, probability, fusion.version, sources.sessions, prices, windows
    )
    write_table(world, "account_risk", accounts)
    roles = tracks.drop_duplicates("track_id")["role"].value_counts()
    streams = int((suspicious & plays.is_stream).sum())
    lines = [
        f"streams           {streams:,} of {int(plays.is_stream.sum()):,} are suspicious: "
        f"{tracks['money_pro_rata_eur'].sum():.2f} EUR pro rata, "
        f"{tracks['money_user_centric_eur'].sum():.2f} EUR user-centric",
        f"tracks            {', '.join(f'{count:,} {role}' for role, count in roles.items()) or 'none'}",
    ]
    top = artist_risk(tracks, prices)
    top = top[top["target_tracks"] > 0].head(3)
    named = read_static(world, "tracks", ["artist_id", "artist"]).drop_duplicates("artist_id").set_index("artist_id")
    lines += [
        f"artist            {named['artist'].get(row['artist_id'], row['artist_id'])}: "
        f"{count_of(int(row['target_tracks']), TARGET)}, "
        f"{row['money_pro_rata_eur']:.2f} EUR at risk, {row['penalty_eur']:.0f} EUR of penalties"
        for row in top.to_dict("records")
    ]
    lines.append(f"accounts          {len(accounts):,} in the queue, by money at risk × probability")
    return [*lines, *format_queue_quality(accounts, world)]


def read_sources(world: World, campaigns: pd.DataFrame) -> Sources:
    """Read what the detectors found in a world besides its user-days: scored sessions and account windows."""
    unmeasurable, windows = world.not_measurable, _windows(world)
    of_windows = None if windows is None else window_threshold(load_window_trees(), windows, unmeasurable)
    return Sources(
        _sessions(world), windows, campaigns, read_timezones(world), session_threshold(unmeasurable), of_windows,
        tuple(unmeasurable),
    )  # fmt: skip


def _sessions(world: World) -> pd.DataFrame | None:
    """Read the scored sessions of a world: those of the job, or else those made from raw rows; None without any."""
    columns = ["user_id", "started_at", "score", "is_flagged", "reasons"]
    if listed_files(world.unit.table("sessions")):
        return read_sessions(world.unit.table("sessions"), columns)
    files = batch_files(world.from_raw(SCORED_IN_BATCH))
    return read_parts(files, columns) if files else None


def _windows(world: World) -> pd.DataFrame | None:
    """Read the account windows of a world; None where nothing has computed them."""
    files = batch_files(world.from_raw("account_windows"))
    return read_parts(files) if files else None


def write_review(folder: Path, flags: pd.DataFrame) -> None:
    """Write the review list for a spreadsheet and for a program."""
    review = review_list(flags)
    (folder / "review.csv").write_text(to_csv(review), newline="")
    pq.write_table(pa.Table.from_pandas(review, preserve_index=False), folder / "review.parquet")
