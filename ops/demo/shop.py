"""`playproof demo --scenario shop`: a day of an online shop with fraud in it, replayed through broker and job."""

import csv
import json
import time
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from consumer_viz.feed.consumer import KafkaFeed
from consumer_viz.feed.counts import RUN_BATCHES
from consumer_viz.plot.view import run_view
from contracts.domain import SHOP
from contracts.events import ROWS_PER_BATCH
from contracts.shop import BROWSING, FRAUD_FAMILIES, SUCCESS, TIME_COLUMN, TRANSACTIONS
from ops.demo.parts import (
    POLL_EVERY_S,
    replay,
    require_alive,
    running_pipeline,
    simulate_world,
    wait_for_reconciliation,
    with_seconds,
)
from ops.demo.shop_summary import REPORTS, WATCHED_S, ShopSummary
from ops.errors import StackError
from ops.stack.private_broker import command_environment
from runtime.lake import committed_files
from runtime.monitoring.progress import recent_micro_batches
from runtime.parquet import read_parquet
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import Unit, World

WORLD = "shop-demo"
SIMULATION = ("--scenario", SHOP.scenario, "--users", "4000", "--days", "1", "--seed", "7")
SHOWN_PREDICTIONS = 20
READ_WITHIN_S = 60.0


def run(settings: Settings, report_progress: ReportProgress) -> ShopSummary:
    """Run the demo in world `shop-demo`, write `live.png` and `summary.json` there, and return the summary.

    Raises StackError, in one line, where a part fails or the result is not what a demo must show.
    """
    began_at = time.monotonic()
    settings, world, unit = simulate_world(settings, WORLD, SIMULATION)
    environment = command_environment(settings)
    report_stage = with_seconds(report_progress)
    with running_pipeline(settings, unit, report_stage) as alive:
        replay(environment, alive)
        last_row_at = time.time()
        report_stage("replay done; a session closes when no row of it was sent for a while")
        reconciliation = wait_for_reconciliation(environment, alive)
        report_stage("every row accounted for")
        while time.time() < last_row_at + WATCHED_S:
            require_alive(alive)
            time.sleep(POLL_EVERY_S)
        report_stage("the reports went on in silence")
        line = read_line(settings)
    report_stage("everything stopped")
    summary = summarise(world, unit, reconciliation, line, last_row_at, time.monotonic() - began_at)
    (world.root / "summary.json").write_text(json.dumps(summary.as_dict(), indent=2) + "\n")
    return summary


def read_line(settings: Settings) -> list[float]:
    """Return the points of the plot's line of successes, over the whole run. Raises StackError where it is unread."""
    with KafkaFeed(settings.kafka(), since_s=None, domain=SHOP, max_batches=RUN_BATCHES) as feed:
        if not feed.wait_until_read(READ_WITHIN_S):
            raise StackError(f"the topics could not be read within {READ_WITHIN_S:g} s: see the broker's log")
        return run_view(feed.snapshot(), settings.zone).line("successes")[0].tolist()


def count_successes(source: Path) -> list[int]:
    """Count the successful payments of each batch of 200 browsing rows by hand, from the CSV files alone."""
    times = [row[TIME_COLUMN[BROWSING]] for row in _read_csv(source / "browsing.csv")]
    ends = [times[min(first + ROWS_PER_BATCH, len(times)) - 1] for first in range(0, len(times), ROWS_PER_BATCH)]
    counts = [0] * len(ends)
    for row in _read_csv(source / "transactions.csv"):
        # the first batch that ends at or after it; what comes after all of them goes with the last one
        batch = bisect_left(ends, row[TIME_COLUMN[TRANSACTIONS]])
        counts[min(batch, len(ends) - 1)] += row["payment_status"] == SUCCESS
    return counts


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def summarise(
    world: World, unit: Unit, reconciliation: dict[str, Any], line: list[float], last_row_at: float, seconds: float
) -> ShopSummary:
    """Join the reconciliation, the truth, the tables of the job and the line of the plot."""
    columns = ["session_id", "customer_id", "probability", "prediction"]
    predictions = _read_table(committed_files(unit.table(SHOP.session_table)), columns)
    for row in predictions:
        row["probability"] = row["probability"][1]
    flagged = {row["session_id"] for row in predictions if row["prediction"] == 1}
    family = {row["session_id"]: row["family"] for row in _read_csv(world.truth("sessions.csv"))}
    frauds = {session for session, name in family.items() if name in FRAUD_FAMILIES}
    by_family = {}
    for name in FRAUD_FAMILIES:
        members = {session for session in frauds if family[session] == name}
        by_family[name] = len(members & flagged), len(members)
    newest = {name: _newest_report(unit, name) for name in REPORTS}
    return ShopSummary(
        topics=reconciliation["topics"],
        sessions=len({row["session_id"] for row in predictions}),
        flagged=len(flagged),
        frauds=len(frauds),
        flagged_frauds=len(flagged & frauds),
        frauds_by_family=by_family,
        reports={name: count_reports(unit, name, last_row_at) for name in REPORTS},
        last_frauds=_first_number(newest["fraud_counts"], "frauds"),
        quantity=_first_number(newest["quantities"], "quantity"),
        top_products=newest["top_products"],
        predictions=sorted(predictions, key=lambda row: (-row["probability"], row["session_id"]))[:SHOWN_PREDICTIONS],
        successes_by_hand=count_successes(world.root / "source"),
        successes_of_line=[round(value) for value in line],
        seconds=round(seconds, 1),
    )


def count_reports(unit: Unit, name: str, since: float) -> int:
    """Count the reports of a query in the WATCHED_S seconds from a moment on, by the micro-batches that made them."""
    every_s = REPORTS[name][1]
    ended = [batch.ended_at for batch in recent_micro_batches(unit, name, 4 * WATCHED_S // every_s)]
    return sum(since <= at <= since + WATCHED_S for at in ended)


def _newest_report(unit: Unit, name: str) -> list[dict[str, Any]]:
    files = committed_files(unit.table(name))
    newest = max((int(file.parent.name.removeprefix("batch_id=")) for file in files), default=None)
    return _read_table([file for file in files if file.parent.name == f"batch_id={newest}"], None)


def _read_table(files: Iterable[Path], columns: list[str] | None) -> list[dict[str, Any]]:
    return [row for file in files for row in read_parquet(file, columns).to_pylist()]


def _first_number(rows: list[dict[str, Any]], column: str) -> int | None:
    return rows[0][column] if rows else None
