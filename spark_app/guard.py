"""Keeps broker log, output and checkpoints of a world together: refuses to start where they do not fit.

A new checkpoint over an old output silently loses rows (the file sink skips batch ids it has seen), and Spark's own
schema check does not look inside collected structs: after a change, open sessions would come out as garbage.
"""

import hashlib
import json
from pathlib import Path

from runtime.world import Unit
from spark_app.errors import StateError
from spark_app.stages.sessions import session_rows, sessionize

STATE_FILE = "STATE.json"
MEND = "begin a fresh version of this world with  playproof up --fresh"
OUTPUT = {"sessions": "sessions", "archive": "plays"}
"""Queries whose output must stand beside their checkpoint, with the table that proves it."""
LOG_BEGINS, METADATA_BEGINS = b"v1\n", b'{"id"'
"""How Spark 4.0 begins a file of the logs `offsets` and `commits`, and a query's `metadata`."""


def state_of(partitions: int) -> dict[str, str | int]:
    """Describe what the state of open sessions depends on."""
    window = f"gap {sessionize.SESSION_GAP}|delay {sessionize.WATERMARK_DELAY}"
    shape = f"{session_rows.ITEM_DDL}|cut {session_rows.CUT_MS}|{window}"
    return {"session_struct": hashlib.sha256(shape.encode()).hexdigest()[:16], "partitions": partitions}


def _has_output(table: Path) -> bool:
    return (table / "_spark_metadata").is_dir() or any(table.glob("batch_id=*"))


def check(unit: Unit, partitions: int) -> None:
    """Raise StateError where the unit's checkpoints, output and this code do not fit; else note the state they have."""
    for checkpoint in sorted(unit.checkpoints.glob("*/")):
        _check_readable(checkpoint)
    for query, table in OUTPUT.items():
        check_pair(query, unit.checkpoints / query, unit.table(table), MEND)
    _check_state(unit.checkpoints / STATE_FILE, state_of(partitions))


def check_pair(query: str, checkpoint: Path, table: Path, mend: str) -> None:
    """Raise StateError where a query's checkpoint stands without its output, or the output without it."""
    committed = any((checkpoint / "commits").glob("[0-9]*"))
    output = _has_output(table)
    if committed and not output:
        raise StateError(
            f"query {query} has a checkpoint but lake/{table.name} has no output: "
            f"what it wrote is gone and would not be written again; {mend}"
        )
    if output and not checkpoint.is_dir():
        raise StateError(
            f"lake/{table.name} has output but query {query} has no checkpoint: "
            f"new rows would be skipped silently; {mend}"
        )


def _check_readable(checkpoint: Path) -> None:
    """Look at what Spark reads of a checkpoint when it starts; it would say only that a log is malformed."""
    logs = [newest for log in ("offsets", "commits") if (newest := _newest(checkpoint / log))]
    metadata = checkpoint / "metadata"
    for file, begins in [*((log, LOG_BEGINS) for log in logs), (metadata, METADATA_BEGINS)]:
        if file.exists() and not file.read_bytes().startswith(begins):
            raise StateError(
                f"checkpoints/{file.relative_to(checkpoint.parent)} is unreadable (expected it to begin with "
                f"{begins.decode().strip()}): restore it from a copy, or {MEND}"
            )


def _newest(log: Path) -> Path | None:
    """Return the file of the last micro-batch in a log of Spark's."""
    numbered = (file for file in log.glob("[0-9]*") if file.name.isdigit())
    return max(numbered, key=lambda file: int(file.name), default=None)


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
