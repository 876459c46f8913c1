"""The command `reconcile`: the result of the check, for a person or as JSON."""

import json
import sys

from rich.progress import Progress, TaskID

from contracts.domain import MUSIC
from ops.reconcile.reconciliation import Reconciliation, reconcile
from ops.reconcile.shop import ShopReconciliation, reconcile_shop
from ops.reconcile.workers import ReportStep
from runtime.kafka.access import require_topics, wait_until_up
from runtime.kafka.worlds import require_own_broker
from runtime.settings import Settings
from runtime.terminal import error_console

_SHOP_COLUMNS = ("sent", "in_sessions", "late", "rejected", "open", "lost", "duplicated")
_COLUMNS = ("sent", "in_sessions", "late", "duplicate", "rejected", "open", "lost")


def run(settings: Settings, is_json: bool) -> bool:
    """Reconcile the settings' world, print the result, and return whether every row is accounted for."""
    kafka, world = settings.kafka(), settings.the_world()
    wait_until_up(kafka)
    require_own_broker(kafka, world)
    require_topics(kafka, read=world.domain.topics)
    # on stderr: stdout is for the result
    with Progress(transient=True, console=error_console(), disable=not sys.stderr.isatty()) as bar:
        result = (
            reconcile(world, kafka, _steps_on(bar), settings.retention)
            if world.domain == MUSIC
            else reconcile_shop(world, kafka)
        )
    print(json.dumps(result.as_dict()) if is_json else "\n".join(format_reconciliation(result)), flush=True)
    return not result.faults


def _steps_on(bar: Progress) -> ReportStep:
    tasks: dict[str, TaskID] = {}

    def report_step(step: str, done: int, of: int) -> None:
        if step not in tasks:
            tasks[step] = bar.add_task(step, total=of)
        bar.update(tasks[step], completed=done)

    return report_step


def format_reconciliation(result: Reconciliation | ShopReconciliation) -> list[str]:
    """Return the lines that a person reads: one per topic, one on the sessions, one with the faults."""
    columns = _COLUMNS if isinstance(result, Reconciliation) else _SHOP_COLUMNS
    width = max(10, *(len(topic) for topic in result.topics))
    lines = [" " * width + "".join(f"{column.replace('_', ' '):>14}" for column in columns)]
    for topic, rows in result.topics.items():
        lines.append(f"{topic:<{width}}" + "".join(f"{getattr(rows, column):>14,}" for column in columns))
    sessions = f"{result.sessions:,} sessions in the table after {result.micro_batches:,} micro-batches"
    if isinstance(result, Reconciliation):
        sessions += f": {result.missing:,} missing, {result.duplicated:,} duplicated, {result.wrong:,} wrong"
    lines.append(sessions)
    if isinstance(result, Reconciliation):
        lines.append(f"{result.alerts:,} alerts raised, {result.withdrawn:,} of them withdrawn")
        lines.append("; ".join(f"lake/{topic}: {rows:,} rows" for topic, rows in result.archived.items()))
    if result.faults:
        return [*lines, f"FAULT: {'; '.join(result.faults)}"]
    return [*lines, "every row is accounted for once; nothing is lost or there twice"]
