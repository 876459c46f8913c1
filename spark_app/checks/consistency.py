"""Refuses to start where a world's broker log, output and checkpoints, or this code, do not belong together.

A new checkpoint over an old output silently loses rows: the file sink skips batch ids that it has seen. And Spark's own
schema check does not look inside packed rows: after a change, open sessions would be unreadable, or come out as
garbage.
"""

import hashlib
import json
from pathlib import Path

from contracts.events import CLOCK_AHEAD_MINUTES
from runtime.checkpoint import CLOCK_AHEAD, STATE_FILE, unreadable_file
from runtime.errors import CheckpointError
from runtime.lake import is_table, listed_files
from runtime.storage import push, refresh_checkpoints
from runtime.world import Unit
from spark_app.errors import StateError
from spark_app.stages.session_step import operator, packed_rows
from spark_app.stages.sessions import session_rows

REMEDY = "read the topics again, into a fresh version of this world, with  playproof up --reread"
REPORTS_READ = "commits of sessions, ticks"
"""What a report reads. Spark refuses a checkpoint of other sources, with a message that nobody understands."""
TABLES = "delta"
"""The form of the lake's tables. Those of a version before Delta tables can be read, and not be written to."""
OUTPUT = {"sessions": "sessions", "archive": "plays"}
"""Queries whose checkpoint and output belong together, each with the table that proves the output."""


def state_of(partitions: int, clock_ahead: int) -> dict[str, str | int]:
    """Return what checkpoints depend on: the form of open sessions, shuffle partitions, the clock, what reports read.

    `clock_ahead` is in minutes: with another one, the queries would not reject the same rows, nor the reconciliation.
    """
    window = f"gap {session_rows.SESSION_GAP_MS}|delay {session_rows.WATERMARK_DELAY}"
    packed = f"packed {packed_rows.VERSION!r} in a bucket per partition, {operator.STATE_DDL}"
    shape = f"{session_rows.ITEM_DDL}|cut {session_rows.CUT_MS}|{window}|{packed}"
    return {
        "session_struct": hashlib.sha256(shape.encode()).hexdigest()[:16],
        "partitions": partitions,
        CLOCK_AHEAD: clock_ahead,
        "sources_of_reports": REPORTS_READ,
        "tables": TABLES,
    }


def check_unit(unit: Unit, partitions: int, clock_ahead: int = CLOCK_AHEAD_MINUTES) -> None:
    """Raise StateError where the unit's checkpoints, output and this code do not fit; a first start notes its state."""
    refresh_checkpoints(unit.checkpoints)
    for checkpoint in sorted(unit.checkpoints.glob("*/")):
        _check_readable(checkpoint)
    for folder in sorted(unit.lake.glob("*/")):
        try:
            listed_files(folder)
        except CheckpointError as error:
            raise StateError(f"{error}, or {REMEDY}") from None
    _check_state(unit.checkpoints / STATE_FILE, state_of(partitions, clock_ahead))
    for query, table in OUTPUT.items():
        check_output(query, unit.checkpoints / query, unit.table(table), REMEDY)


def check_output(query: str, checkpoint: Path, table: Path, remedy: str) -> None:
    """Raise StateError where a query has a checkpoint without its output, or output without its checkpoint."""
    committed = any((checkpoint / "commits").glob("[0-9]*"))
    if committed and not is_table(table):
        raise StateError(
            f"query {query} has a checkpoint but lake/{table.name} has no output: "
            f"what it wrote is gone and would not be written again; {remedy}"
        )
    if listed_files(table) and not checkpoint.is_dir():
        raise StateError(
            f"lake/{table.name} has output but query {query} has no checkpoint: "
            f"new rows would be skipped silently; {remedy}"
        )


def _check_readable(checkpoint: Path) -> None:
    """Raise StateError where Spark could not read the checkpoint; its own message would be only "malformed log"."""
    unreadable = unreadable_file(checkpoint)
    if unreadable:
        file, why = unreadable
        raise StateError(
            f"checkpoints/{file.relative_to(checkpoint.parent)} is unreadable ({why}): "
            f"restore it from a copy, or {REMEDY}"
        )


def _check_state(file: Path, now: dict[str, str | int]) -> None:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(now) + "\n")
        push(file)
        return
    try:
        before = json.loads(file.read_text())
    except ValueError:
        before = None
    if not isinstance(before, dict):
        raise StateError(f"checkpoints/{STATE_FILE} is unreadable: {REMEDY}")
    changed = [f"{key} was {before.get(key)}, is {value}" for key, value in now.items() if before.get(key) != value]
    if changed:
        raise StateError(f"the checkpoints do not fit this code ({'; '.join(changed)}): {REMEDY}")
