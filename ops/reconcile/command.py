"""The command `audit`: what `ops.reconcile.reconciliation` found, in words or as JSON."""

import json

from contracts.events import ACTIVITY, PLAYS
from ops.reconcile.reconciliation import Audit, audit
from runtime.kafka.access import require_topics, wait_until_up
from runtime.settings import Settings

_FATES = ("sent", "in_sessions", "late", "duplicate", "rejected", "open", "lost")


def run(settings: Settings, is_json: bool) -> bool:
    """Audit the settings' world, print what was found, and return whether the promise is kept."""
    kafka = settings.kafka()
    wait_until_up(kafka)
    require_topics(kafka, read=(PLAYS, ACTIVITY))
    found = audit(settings.the_world(), kafka)
    print(json.dumps(found.as_dict()) if is_json else "\n".join(words(found)), flush=True)
    return not found.faults


def words(found: Audit) -> list[str]:
    """Say it to a person: a line a topic, a line on the sessions, the verdict."""
    lines = ["          " + "".join(f"{fate.replace('_', ' '):>14}" for fate in _FATES)]
    for topic, account in found.topics.items():
        lines.append(f"{topic:<10}" + "".join(f"{getattr(account, fate):>14,}" for fate in _FATES))
    lines.append(
        f"{found.sessions:,} sessions in the table after {found.micro_batches:,} micro-batches: {found.missing:,} "
        f"missing, {found.duplicated:,} duplicated, {found.wrong:,} wrong"
    )
    verdict = f"FAULT: {'; '.join(found.faults)}" if found.faults else "every row has one fate; nothing lost or twice"
    return [*lines, verdict]
