"""Keeps broker log, output and checkpoints of a world together: refuses to start where they do not fit.

A new checkpoint over an old output silently loses rows (the file sink skips batch ids it has seen), and Spark's own
schema check does not look inside collected structs: after a change, open sessions would come out as garbage.
"""

import hashlib
import json
from pathlib import Path

from contracts.world import Unit
from spark_app.errors import StateError
from spark_app.stages import rows, sessions

STATE_FILE = "STATE.json"
MEND = "begin a fresh version of this world with  python -m producer up --fresh"
OUTPUT = {"sessions": "sessions", "archive": "plays"}
"""Queries whose output must stand beside their checkpoint, with the table that proves it."""


def state_of(partitions: int) -> dict[str, str | int]:
    """Describe what the state of open sessions depends on."""
    shape = f"{rows.ITEM_DDL}|cut {rows.CUT_MS}|gap {sessions.SESSION_GAP}|delay {sessions.WATERMARK_DELAY}"
    return {"session_struct": hashlib.sha256(shape.encode()).hexdigest()[:16], "partitions": partitions}


def _has_output(table: Path) -> bool:
    return (table / "_spark_metadata").is_dir() or any(table.glob("batch_id=*"))


def check(unit: Unit, partitions: int) -> None:
    """Raise StateError where the unit's checkpoints, output and this code do not fit; else note the state they have."""
    for query, table in OUTPUT.items():
        checkpoint = unit.checkpoints / query
        committed = any((checkpoint / "commits").glob("[0-9]*"))
        output = _has_output(unit.table(table))
        if committed and not output:
            raise StateError(
                f"query {query} has a checkpoint but lake/{table} has no output: "
                f"what it wrote is gone and would not be written again; {MEND}"
            )
        if output and not checkpoint.is_dir():
            raise StateError(
                f"lake/{table} has output but query {query} has no checkpoint: "
                f"new rows would be skipped silently; {MEND}"
            )
    _check_state(unit.checkpoints / STATE_FILE, state_of(partitions))


def _check_state(file: Path, now: dict[str, str | int]) -> None:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(now) + "\n")
        return
    try:
        before = json.loads(file.read_text())
    except ValueError:
        before = None
    if not isinstance(before, dict):
        raise StateError(f"checkpoints/{STATE_FILE} is unreadable: {MEND}")
    changed = [f"{key} was {before.get(key)}, is {value}" for key, value in now.items() if before.get(key) != value]
    if changed:
        raise StateError(f"the state of open sessions does not fit this code ({'; '.join(changed)}): {MEND}")
