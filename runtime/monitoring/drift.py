"""The drift that was measured last, as a file of the world's version: for the job's metrics and the pages."""

from typing import Any

from runtime.monitoring.records import read_record, write_record
from runtime.world import Unit

DRIFT_FILE = "DRIFT.json"


def record_drift(unit: Unit, drift: dict[str, Any]) -> None:
    """Replace the drift of a version."""
    write_record(unit.progress / DRIFT_FILE, drift)


def drift_record(unit: Unit) -> dict[str, Any]:
    """Return what `record_drift` wrote, with `measured_at` in epoch seconds; empty before the first time."""
    path = unit.progress / DRIFT_FILE
    record = read_record(path)
    return record | {"measured_at": path.stat().st_mtime} if record else {}
