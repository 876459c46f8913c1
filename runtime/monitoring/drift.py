"""The drift that was measured last, as a file of the world's version: for the job's metrics and the pages."""

import json
from pathlib import Path
from typing import Any

from runtime.world import Unit

DRIFT_FILE = "DRIFT.json"


def record_drift(unit: Unit, drift: dict[str, Any]) -> Path:
    """Replace the drift of a version in one rename."""
    unit.progress.mkdir(parents=True, exist_ok=True)
    partial = unit.progress / f".{DRIFT_FILE}.partial"
    partial.write_text(json.dumps(drift, allow_nan=False) + "\n")
    partial.replace(unit.progress / DRIFT_FILE)
    return unit.progress / DRIFT_FILE


def drift_record(unit: Unit) -> dict[str, Any]:
    """Return what `record_drift` wrote, with `measured_at` in epoch seconds; empty before the first time."""
    path = unit.progress / DRIFT_FILE
    if not path.exists():
        return {}
    return json.loads(path.read_text()) | {"measured_at": path.stat().st_mtime}
