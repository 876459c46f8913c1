"""Refuses to start where a world's broker log, output and checkpoints, or this code, do not belong together.

A checkpoint over an output of another moment silently loses rows: a table skips the micro-batches that it has. And
Spark's own schema check does not look inside packed rows: after a change, open sessions would be unreadable, or come
out as garbage.
"""

import hashlib
import json
import re
from pathlib import Path

from contracts.events import CLOCK_AHEAD_MINUTES
from runtime.checkpoint import CLOCK_AHEAD, STATE_FILE, unreadable_file, writer_of
from runtime.errors import CheckpointError
from runtime.lake import LOG, is_table, last_number, listed_files, lock, opened
from runtime.lake.readers import SHADOW, TABLE
from runtime.lake.sink_tables import numbered_files, since_compaction
from runtime.storage import push, refresh, refresh_checkpoints
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
WRITTEN: dict[str, tuple[str, ...]] = {"sessions": ("sessions", "alerts"), "archive": ("plays", "activity", "rejected")}
"""The tables that a query writes by the numbers of its micro-batches; others write one of their name, or none."""
COPY = "restore a copy that was made while no job ran"
COMMIT_READ = re.compile(rf"/{LOG}/(\d+)\.json".encode())
"""In the log of what a report has read: the number of a commit."""


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
        check_readable(checkpoint)
    for folder in sorted(unit.lake.glob("*/")):
        try:
            listed_files(folder)
        except CheckpointError as error:
            raise StateError(f"{error}, or {REMEDY}") from None
    _check_state(unit.checkpoints / STATE_FILE, state_of(partitions, clock_ahead))
    for query, table in OUTPUT.items():
        check_output(query, unit.checkpoints / query, unit.table(table), REMEDY)
        check_numbers(unit, query, REMEDY)
    # a challenger is optional: what is wrong with it must not end the job
    for query in sorted({folder.name for folder in unit.checkpoints.glob("*/")} - {*OUTPUT, SHADOW}):
        remedy = f"remove checkpoints/{query}, and lake/{query} if any: it begins with the oldest session again"
        check_numbers(unit, query, remedy)
        _check_commits(unit, query, remedy)


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


def check_numbers(unit: Unit, query: str, remedy: str) -> None:
    """Raise StateError where a table has a micro-batch that the checkpoint of its query has not planned.

    No crash leaves that. Spark would plan others by the same numbers, and the table would skip their rows.
    """
    writer, offsets = writer_of(unit, query), unit.checkpoints / query / "offsets"
    numbers = {table: last_number(unit.table(table), writer) for table in WRITTEN.get(query, (query,))}
    # only now: a job at work on another machine plans a micro-batch before a table has it
    refresh(offsets)
    planned = max(numbered_files(offsets), default=-1)
    for table, number in numbers.items():
        if number > planned:
            raise StateError(
                f"lake/{table} has micro-batch {number} of query {query}, and checkpoints/{query} "
                f"{'has none' if planned < 0 else f'ends with {planned}'}: they are not of one moment, and rows that "
                f"come now would be skipped silently; {COPY}, or {remedy}"
            )


def _check_commits(unit: Unit, query: str, remedy: str) -> None:
    """Raise StateError where the sessions lack commits that a report has read, or their log the next that it reads."""
    sources = (unit.checkpoints / query).glob("sources/*/")
    logs = [file for log in sources for file in since_compaction(log).values()]
    read = max((int(number) for file in logs for number in COMMIT_READ.findall(file.read_bytes())), default=-1)
    table, newest, oldest = unit.table(TABLE), -1, 0
    if is_table(table):
        with lock(table):
            newest = opened(table).version()
        oldest = min((int(file.stem) for file in (table / LOG).glob("*.json")), default=0)
    if read > newest:
        raise StateError(
            f"query {query} has read commit {read} of lake/{TABLE}, and the newest there is {newest}: what was written "
            f"after that is gone, and would not be written again; {COPY}, or {REMEDY}"
        )
    if -1 < read < oldest - 1:
        raise StateError(
            f"query {query} has read lake/{TABLE} up to commit {read}, and the log there begins with {oldest}: what is "
            f"between would be left out silently; {COPY}, or {remedy}"
        )


def check_readable(checkpoint: Path) -> None:
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
