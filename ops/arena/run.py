"""Run the arena: which families are left out, on which world, and what comes of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson

from contracts.labels import HONEST
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.arena.detectors import FUSED, detect_all
from models.arena.evaluate import FALSE_ALARM_SHARE, evaluate_families, evaluate_honest, precision_at_capacity
from models.arena.tables import TEST, ArenaTables, deal_accounts, part_of
from models.fusion.model import load_fusion
from models.fusion.training.groups import find_world_groups
from models.labels.truth import label_sessions, label_user_days, paid_family, read_account_truth
from models.labels.windows import label_windows
from models.user_days.by_rules import apply_rules
from models.user_days.history import sort_user_days
from producer.simulator.bots.own_families import load_families
from producer.simulator.command import simulate
from producer.simulator.scenario import Scenario, ScenarioError, load_scenario
from runtime.terminal import ReportProgress
from runtime.world import World
from spark_app.local.rows import read_world_rows
from spark_app.local.sessions import session_features
from spark_app.local.user_days import day_batch, user_days
from spark_app.stages.account_windows.compute_windows import compute_windows

OWN_ACCOUNTS = 24
"""Accounts of each family of the user's own, at least: with fewer a recall means little."""
FOLDS = 5
"""Times that the arena trains where every built-in family is left out once."""


@dataclass(frozen=True, slots=True)
class ArenaOptions:
    """How large an arena is."""

    users: int = 2000
    days: int = 21
    seed: int = 1
    difficulty: float | None = None
    scenario: str = "field"


def run_arena(
    out: Path, options: ArenaOptions, folder: Path | None, left_out: Sequence[str], report: ReportProgress
) -> dict[str, Any]:
    """Run the arena and write `out`/results.json; return its content.

    Left out are the families in `folder`, or those named, or else each built-in one, in FOLDS runs. Raises
    ScenarioError, FamilyError.
    """
    own = load_families(folder) if folder else ()
    scenario = make_scenario(options, own)
    folds = make_folds(scenario, own, left_out)  # before the minutes that a world takes
    with simulated_world(scenario, report) as world:
        tables = read_tables(world, options.seed, report)
    results = evaluate_folds(tables, folds, options.seed, report)
    results["settings"] = asdict(options) | {"families": list(scenario.families), "own": list(own)}
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    return results


@contextmanager
def simulated_world(scenario: Scenario, report: ReportProgress) -> Iterator[World]:
    """Simulate a world that is gone afterwards."""
    with TemporaryDirectory(prefix="playproof-arena-") as place:
        world = World(Path(place) / "arena")
        report(f"simulating {scenario.users:,} accounts for {scenario.days} days: {len(scenario.families)} families")
        simulate(world, scenario)
        yield world


def make_scenario(options: ArenaOptions, own: Sequence[str]) -> Scenario:
    """Return the scenario with families of the user's own added; they get OWN_ACCOUNTS accounts each."""
    base = load_scenario(
        options.scenario, users=options.users, days=options.days, seed=options.seed, difficulty=options.difficulty
    )
    if not own:
        return base
    bots, weights = base.prevalence * base.users, {n: p.get("weight", 1.0) for n, p in base.families.items()}
    total = bots + OWN_ACCOUNTS * len(own)
    weight = OWN_ACCOUNTS * sum(weights.values()) / max(bots, 1)
    families = base.families | {name: {"weight": weight} for name in own}
    return load_scenario(
        options.scenario, users=options.users, days=options.days, seed=options.seed, difficulty=options.difficulty,
        prevalence=total / base.users, families=families,
    )  # fmt: skip


def make_folds(scenario: Scenario, own: Sequence[str], left_out: Sequence[str]) -> list[list[str]]:
    """Return the families that each run leaves out: the user's own, those named, or every one in turn."""
    if unknown := [name for name in left_out if name not in scenario.families]:
        raise ScenarioError(f"--left-out: {unknown[0]!r} is none of {', '.join(scenario.families)}")
    chosen = list(own) or list(left_out)
    if chosen:
        return [chosen]
    names = list(scenario.families)
    return [names[number::FOLDS] for number in range(min(FOLDS, len(names)))]


def read_tables(world: World, seed: int, report: ReportProgress) -> ArenaTables:
    """Compute sessions, user-days and windows of a simulated world, with labels from its truth."""
    rows = read_world_rows(world)
    report(f"{len(rows.plays):,} plays to user-days")
    days, baselines = user_days(rows)
    days = sort_user_days(label_user_days(days, world))
    days["rules_score"] = apply_rules(days).score
    report("sessions")
    features = session_features(rows, baselines).to_pandas().drop(columns=["track_counts", "client_session_ids"])
    sessions = label_sessions(features, world)
    report("windows of 7 and 28 days")
    windows = compute_windows(day_batch(rows))
    accounts = read_account_truth(world)
    accounts["family"] = paid_family(accounts)
    days["account_family"] = days["user_id"].map(accounts.set_index("user_id")["family"])
    report("groups of accounts")
    found = find_world_groups(world, seed, accounts)
    return ArenaTables(sessions, days, label_windows(windows, days, accounts), accounts, found)


def evaluate_folds(
    tables: ArenaTables, folds: Sequence[Sequence[str]], seed: int, report: ReportProgress
) -> dict[str, Any]:
    """Train and test once for each fold; return the families' results, their mean, and the false alarms."""
    fusion = load_fusion()
    families: dict[str, Any] = {}
    honest: list[dict[str, Any]] = []
    capacity: list[dict[str, Any]] = []
    for number, left_out in enumerate(folds):
        report(f"run {number + 1} of {len(folds)}: without {', '.join(left_out)}")
        part = deal_accounts(tables.accounts, set(left_out), np.random.default_rng(seed))
        evidence = detect_all(tables, part, seed, fusion)
        day_part = part_of(tables.days, tables.accounts, part)
        is_test = day_part == TEST
        families |= evaluate_families(tables.days, evidence, is_test, list(left_out))
        reference = ~is_test & (tables.days["account_family"] == HONEST).to_numpy()
        honest.append(evaluate_honest(tables.days, evidence, reference, is_test))
        capacity.append(precision_at_capacity(tables.days, evidence[FUSED], is_test))
    alarms = honest[0]
    recalls, as_shipped = (
        [entry[name] for entry in families.values()] for name in ("recall_at_fpr_0001", "recall_as_shipped")
    )
    return {
        "families": families,
        "macro_recall": float(np.mean(recalls)) if recalls else None,
        "macro_recall_as_shipped": float(np.mean(as_shipped)) if as_shipped else None,
        "fusion": fusion.version,
        "false_alarms_per_100_person_days": float(np.mean([h["by_detector"][FUSED]["per_100"] for h in honest])),
        "false_alarms": alarms,
        "at_capacity": capacity[0],
        "threshold": f"{FALSE_ALARM_SHARE:.1%} of honest account-days",
        "features_of_a_day": len(USER_DAY_FEATURE_NAMES),
    }


def format_results(results: dict[str, Any]) -> list[str]:
    """Format the results as lines for a person."""
    lines = [
        f"{'left out':<16}{'accounts':>9}{'caught':>8}  {'interval':<14}{'shipped':>8}{'days':>6}{'first flag':>12}"
        "   caught by"
    ]
    for name, entry in sorted(results["families"].items(), key=lambda item: -item[1]["recall_at_fpr_0001"]):
        by = ", ".join(f"{who} {share:.0%}" for who, share in entry["caught_by"].items() if share)
        first = "–" if entry["days_to_first_flag"] is None else f"day {entry['days_to_first_flag']:.0f}"
        interval = f"[{entry['recall_low']:.2f}, {entry['recall_high']:.2f}]"
        lines.append(
            f"{name:<16}{entry['accounts']:>9}{entry['recall_at_fpr_0001']:>8.2f}  {interval:<14}"
            f"{entry['recall_as_shipped']:>8.2f}{entry['recall_of_days']:>6.2f}{first:>12}   {by or 'nobody'}"
        )
    alarms, capacity = results["false_alarms"], results["at_capacity"]
    lines.append(
        f"macro recall {results['macro_recall']:.2f} at {results['threshold']}, "
        f"{results['macro_recall_as_shipped']:.2f} at the threshold that ships ({results['fusion']})"
    )
    lines.append(
        f"false alarms {results['false_alarms_per_100_person_days']:.2f} per 100 person-days of honest accounts that "
        f"no model saw, at that threshold ({alarms['person_days']:,} person-days); by detector, at its own: "
        + ", ".join(f"{name} {entry['per_100']:.2f}" for name, entry in alarms["by_detector"].items())
    )
    worst = sorted(alarms["by_cohort"].items(), key=lambda item: -item[1]["per_100"])[:5]
    of_them = [f"{name} {entry['per_100']:.2f}" for name, entry in worst if entry["per_100"]]
    lines.append(f"most of them: {', '.join(of_them) or 'there is none'}")
    lines.append(
        f"of the {capacity['accounts']} accounts with the strongest evidence {capacity['precision']:.0%} are bots' "
        f"({capacity['bots_among_accounts']:.0%} of all are)"
    )
    return lines
