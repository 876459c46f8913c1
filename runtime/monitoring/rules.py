"""What the job records about rules: which ones its newest micro-batch had, and why others do not run."""

import time
from typing import Any

from runtime.monitoring.records import read_record, write_record
from runtime.world import Unit

FILE = "RULES.json"


def record_rules(unit: Unit, batch_id: int, rules: dict[str, Any], trouble: str = "") -> None:
    """Record the rules of a micro-batch (`models.rules.rule_set.RuleSet.as_dict`); -1: none are evaluated any more."""
    record = {"batch_id": batch_id, "at": time.time(), "trouble": trouble, **rules}
    write_record(unit.progress / FILE, record)


def rules_record(unit: Unit) -> dict[str, Any]:
    """Return what `record_rules` wrote last; empty before the first time."""
    return read_record(unit.progress / FILE)
