"""The command `reconcile`: the result of the check, for a person or as JSON."""

import json

from contracts.events import ACTIVITY, PLAYS
from ops.reconcile.reconciliation import Reconciliation, reconcile
from runtime.kafka.access import require_topics, wait_until_up
from runtime.settings import Settings

_COLUMNS = ("sent", "in_sessions", "late", "duplicate", "rejected", "open", "lost")


def run(settings: Settings, is_json: bool) -> bool:
    """Reconcile the settings' world, print the result, and return whether every row is accounted for."""
    kafka = settings.kafka()
    wait_until_up(kafka)
    require_topics(kafka, read=(PLAYS, ACTIVITY))
    result = reconcile(settings.the_world(), kafka)
    print(json.dumps(result.as_dict()) if is_json else "\n".join(format_reconciliation(result)), flush=True)
    return not result.faults


def format_reconciliation(result: Reconciliation) -> list[str]:
    """Return the lines that a person reads: one per topic, one on the sessions, one with the faults."""
    lines = ["          " + "".join(f"{column.replace('_', ' '):>14}" for column in _COLUMNS)]
    for topic, rows in result.topics.items():
        lines.append(f"{topic:<10}" + "".join(f"{getattr(rows, column):>14,}" for column in _COLUMNS))
    lines.append(
        f"{result.sessions:,} sessions in the table after {result.micro_batches:,} micro-batches: {result.missing:,} "
        f"missing, {result.duplicated:,} duplicated, {result.wrong:,} wrong"
    )
    if result.faults:
        return [*lines, f"FAULT: {'; '.join(result.faults)}"]
    return [*lines, "every row is accounted for once; nothing is lost or there twice"]
