"""The arena with timestamps only: what account windows tell of bots where a log says who played when, and nothing else.

Every field of every row is taken away but account and time, before any feature is computed.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from contracts.account_windows import TIMING_FEATURES
from contracts.labels import HONEST
from contracts.measurable import SOURCE_PATTERNS
from models.account_windows.trees import load_window_trees
from models.arena.detectors import OF_WINDOWS, cross_score
from models.arena.evaluate import FALSE_ALARM_SHARE
from models.arena.tables import deal_accounts, part_of
from models.arena.timing import evaluate_by_family, gap_entropies, macro
from models.labels.truth import paid_family, read_account_truth, read_plays_with_truth
from models.labels.windows import label_windows
from models.metrics.ranking import auc
from ops.arena.run import ArenaOptions, make_folds, make_scenario, simulated_world
from producer.simulator.bots.own_families import load_families
from runtime.arrays import Bools, Floats
from runtime.terminal import ReportProgress
from runtime.units import SECOND_MS
from runtime.world import World
from spark_app.local.rows import WorldRows, read_world_rows
from spark_app.local.user_days import day_batch
from spark_app.stages.account_windows.compute_windows import compute_windows

SOURCE = "timestamps_no_zone"
KEPT = ("user_id", "event_time", "id_hash")
OUT = "timestamps.json"


def run_timestamps(
    out: Path, options: ArenaOptions, folder: Path | None, left_out: Sequence[str], report: ReportProgress
) -> dict[str, Any]:
    """Simulate a world, keep account and time of its plays, and write `out`/timestamps.json; return its content.

    Families are left out as in `run_arena`. Raises ScenarioError, FamilyError.
    """
    own = load_families(folder) if folder else ()
    scenario = make_scenario(options, own)
    folds = make_folds(scenario, own, left_out)
    with simulated_world(scenario, report) as world:
        results = measure_timestamps(world, folds, options.seed, report)
    results["settings"] = asdict(options) | {"families": list(scenario.families), "own": list(own)}
    out.mkdir(parents=True, exist_ok=True)
    (out / OUT).write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    return results


def only_timestamps(rows: WorldRows) -> WorldRows:
    """Keep who played when, to the second: every other field is null, no activity, no time zone."""
    seconds = rows.plays["event_time"].cast(pa.int64()).to_numpy() // SECOND_MS * SECOND_MS
    plays = pa.table(
        {
            field.name: rows.plays[field.name] if field.name in KEPT else pa.nulls(len(rows.plays), field.type)
            for field in rows.plays.schema
        }
    )
    at = plays.column_names.index("event_time")
    plays = plays.set_column(at, "event_time", pa.array(seconds).cast(rows.plays.schema.field("event_time").type))
    users = pa.table(
        {
            field.name: rows.users[field.name] if field.name == "user_id" else pa.nulls(len(rows.users), field.type)
            for field in rows.users.schema
        }
    )
    return WorldRows(plays, rows.activity.slice(0, 0), rows.tracks, users)


def measure_timestamps(
    world: World, folds: Sequence[Sequence[str]], seed: int, report: ReportProgress
) -> dict[str, Any]:
    """Return AUC and recall at 0.1 % of the honest accounts, by family: trees, features alone, entropy of gaps."""
    report("reading account and time of each play")
    days = day_batch(only_timestamps(read_world_rows(world)))
    accounts = read_account_truth(world)
    accounts["family"] = paid_family(accounts)
    report("windows of 7 and 28 days")
    windows = label_windows(compute_windows(days), _paid_days(world), accounts)
    windows = windows[windows["label"].notna()].reset_index(drop=True)
    users = pd.Index(accounts["user_id"])
    is_honest = (accounts["family"] == HONEST).to_numpy()
    is_tested = is_honest | users.isin(windows.loc[windows["label"] == 1, "user_id"])
    detectors = {"trees": _trees_left_out(windows, accounts, folds, seed, report)}
    trees = load_window_trees()
    detectors["shipped trees"] = trees.score(windows, SOURCE_PATTERNS[SOURCE]).log_odds
    tested = [name for fold in folds for name in fold]
    families = accounts["family"][is_tested].reset_index(drop=True)

    def by_family(score: Floats) -> dict[str, Any]:
        results = evaluate_by_family(score[is_tested], families, is_honest[is_tested])
        return {name: entry for name, entry in results.items() if name in tested}

    def of_account(values: Floats, how: str) -> Floats:
        return np.asarray(pd.Series(values).groupby(windows["user_id"]).agg(how).reindex(users), dtype=np.float64)

    scores = {name: of_account(values, "max") for name, values in detectors.items()}
    month = np.where(windows["days"] == windows["days"].max(), 1.0, np.nan)
    alone = {name: of_account(windows[name].to_numpy() * month, "median") for name in TIMING_FEATURES}
    report("entropy of gaps by day, week, month and account")
    at = pd.Index(days.users.to_pandas()).get_indexer(users)
    is_play = days.is_play
    of_batch = gap_entropies(days.user[is_play], days.event_ms[is_play], len(days.users))
    entropies = {
        unit: {kind: np.where(at >= 0, values[at], np.nan) for kind, values in kinds.items()}
        for unit, kinds in of_batch.items()
    }
    signed = {name: _signed(values, is_honest, is_tested) for name, values in alone.items()}
    return {
        "detectors": {name: by_family(values) for name, values in scores.items()},
        "features": {name: {"high_is_bot": up, "families": by_family(values)} for name, (values, up) in signed.items()},
        "entropy_of_gaps": {
            unit: {kind: by_family(-values) for kind, values in kinds.items()} for unit, kinds in entropies.items()
        },
        "honest_accounts": int(is_honest.sum()),
        "threshold": f"{FALSE_ALARM_SHARE:.1%} of honest accounts",
    }


def _paid_days(world: World) -> pd.DataFrame:
    """Return user_id, local_date (in UTC, as the masked source has no zone) and paid_streams of days with any."""
    paid = pd.concat([rows[rows["is_paid"].astype(bool)] for rows in read_plays_with_truth(world)])
    day = pd.to_datetime(paid["event_time"], utc=True).dt.date.rename("local_date")
    return paid.groupby([paid["user_id"], day]).size().rename("paid_streams").reset_index()


def _trees_left_out(
    windows: pd.DataFrame, accounts: pd.DataFrame, folds: Sequence[Sequence[str]], seed: int, report: ReportProgress
) -> Floats:
    """Score windows by trees that saw neither the account nor its family: the honest ones by those of all runs."""
    total, runs = np.zeros(len(windows)), np.zeros(len(windows))
    for number, fold in enumerate(folds):
        report(f"run {number + 1} of {len(folds)}: without {', '.join(fold)}")
        part = part_of(windows, accounts, deal_accounts(accounts, set(fold), np.random.default_rng(seed)))
        score = cross_score(windows, (*TIMING_FEATURES, "days"), part, OF_WINDOWS, seed)
        counts = windows["family"].isin([*fold, HONEST]).to_numpy()
        total += np.where(counts, score, 0)
        runs += counts
    return np.divide(total, runs, out=np.full(len(windows), np.nan), where=runs > 0)


def _signed(values: Floats, is_honest: Bools, is_tested: Bools) -> tuple[Floats, bool]:
    """Return values with the sign at which all bots together are higher than honest accounts, and whether that is +."""
    value = auc(values[is_tested & ~is_honest], values[is_honest]).value
    is_up = value is None or value >= 0.5
    return (values if is_up else -values), is_up


def format_timestamps(results: dict[str, Any]) -> list[str]:
    """Format the results as tables for a person: by family, by feature, and the entropy of gaps by unit."""
    trees, shipped = results["detectors"]["trees"], results["detectors"]["shipped trees"]
    features = results["features"]
    lines = [
        f"account and time only; recall at {results['threshold']} ({results['honest_accounts']:,} of them)",
        f"{'family, left out':<16}{'accounts':>9}{'AUC':>6}  {'interval':<13}{'recall':>7}  {'interval':<13}"
        f"{'shipped':>8}   best feature alone",
    ]
    for name in sorted(trees, key=lambda family: -trees[family]["recall_at_fpr_0001"]["value"]):
        entry, area, recall = trees[name], trees[name]["auc"], trees[name]["recall_at_fpr_0001"]
        best = max(features, key=lambda feature: _auc_of(features[feature]["families"], name))
        lines.append(
            f"{name:<16}{entry['accounts']:>9}{area['value']:>6.2f}  {_interval(area):<13}{recall['value']:>7.2f}  "
            f"{_interval(recall):<13}{shipped[name]['recall_at_fpr_0001']['value']:>8.2f}   "
            f"{best} {_auc_of(features[best]['families'], name):.2f}"
        )
    for who, entries in results["detectors"].items():
        lines.append(
            f"{who}: over families, mean AUC {_macro(entries, 'auc')}, recall {_macro(entries, 'recall_at_fpr_0001')}"
        )
    lines += ["", f"{'feature alone, over 28 days':<30}{'a bot has':>10}{'mean AUC':>10}{'recall':>8}"]
    for name in sorted(features, key=lambda feature: -(macro(features[feature]["families"], "auc") or 0)):
        entries, direction = features[name]["families"], "more" if features[name]["high_is_bot"] else "less"
        lines.append(f"{name:<30}{direction:>10}{_macro(entries, 'auc'):>10}{_macro(entries, 'recall_at_fpr_0001'):>8}")
    lines += [
        "",
        f"{'entropy of gaps (low: a bot)':<30}{'raw AUC':>10}{'recall':>8}{'normalised AUC':>16}{'recall':>8}",
    ]
    for unit, kinds in results["entropy_of_gaps"].items():
        raw, normalised = kinds["raw"], kinds["normalised"]
        lines.append(
            f"{unit:<30}{_macro(raw, 'auc'):>10}{_macro(raw, 'recall_at_fpr_0001'):>8}"
            f"{_macro(normalised, 'auc'):>16}{_macro(normalised, 'recall_at_fpr_0001'):>8}"
        )
    return lines


def _auc_of(families: dict[str, Any], name: str) -> float:
    value = families[name]["auc"]["value"]
    return 0.0 if value is None else float(value)


def _macro(families: dict[str, Any], measure: str) -> str:
    value = macro(families, measure)
    return "–" if value is None else f"{value:.3f}"


def _interval(share: dict[str, float]) -> str:
    return f"[{share['low']:.2f}, {share['high']:.2f}]"
