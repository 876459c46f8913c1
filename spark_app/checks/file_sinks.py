"""Refuses to start where a table that Spark's file sink writes and its query's checkpoint do not belong together.

Spark plans a micro-batch in the checkpoint's log `offsets`, names its files in the sink's log, also where there is no
row, and then notes it in the checkpoint's log `commits`. A crash may come between any two. The sink skips what its log
has, and the query what it has done: where one of the logs is of another moment, Spark loses rows without a word.
"""

from collections.abc import Sequence
from pathlib import Path

from runtime.checkpoint import LOG_BEGINS
from runtime.errors import CheckpointError
from runtime.lake.sink_tables import SINK_LOG, numbered_files, sink_files
from runtime.world import Unit
from spark_app.checks.consistency import REMEDY, check_readable
from spark_app.errors import StateError


def check_sinks(unit: Unit, tables: Sequence[str]) -> None:
    """Check the tables of a unit that the file sink writes, each by the query of its name, before Spark starts.

    Raises StateError where a file of a checkpoint or of a table's log is unreadable, or where the two do not belong
    together.
    """
    for checkpoint in sorted(unit.checkpoints.glob("*/")):
        check_readable(checkpoint)
    for table in tables:
        _check_sink(unit, table)


def _check_sink(unit: Unit, query: str) -> None:
    """Raise StateError where a table lacks what its query has done, or has what the query has not planned.

    The copies of its offsets must have nothing else either: a query that has just begun would be judged by them.
    """
    written, copied = _last_written(unit.table(query)), _last(unit.offsets / query)
    planned, committed = (_last(unit.checkpoints / query / log) for log in ("offsets", "commits"))
    done = max(committed, planned - 1)  # a micro-batch is planned once the one before is done
    if written < done:
        raise StateError(
            f"query {query} has done micro-batch {done}, and lake/{query} {_ends_with(written)}: what it wrote "
            f"after that is gone and would not be written again; {REMEDY}"
        )
    if written > planned:
        raise StateError(
            f"lake/{query} has micro-batch {written}, and checkpoints/{query} {_ends_with(planned)}: new rows "
            f"would be skipped silently; {REMEDY}"
        )
    if copied > planned:
        raise StateError(
            f"offsets/{query} has micro-batch {copied}, and checkpoints/{query} {_ends_with(planned)}: the "
            f"reconciliation would take old offsets for new ones; {REMEDY}"
        )


def _last(log: Path) -> int:
    return max(numbered_files(log), default=-1)


def _ends_with(batch: int) -> str:
    return "has none" if batch < 0 else f"ends with {batch}"


def _last_written(table: Path) -> int:
    """Return the last micro-batch in the log of a table; -1 before the first. Raises StateError where it is unreadable.

    An empty file is no entry more for those who read the log, but Spark stops at it.
    """
    log = numbered_files(table / SINK_LOG)
    for _, file in sorted(log.items()):
        with file.open("rb") as lines:
            if lines.readline().rstrip() != LOG_BEGINS.encode():
                raise StateError(
                    f"lake/{table.name}/{SINK_LOG}/{file.name} is unreadable (it does not begin with {LOG_BEGINS}): "
                    f"restore it from a copy, or {REMEDY}"
                )
    try:
        files = sink_files(table)
    except CheckpointError as error:
        raise StateError(f"{error}, or {REMEDY}") from None
    gone = next((file for file in files if not file.exists()), None)
    if gone is not None:
        raise StateError(f"lake/{table.name} counts {gone.name}, which is gone: restore it from a copy, or {REMEDY}")
    return max(log, default=-1)
