"""Starts the queries and waits: a signal ends the job cleanly, a query that died ends the process with an error."""

import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from types import FrameType
from typing import Protocol

import psutil
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from spark_app.errors import JobError

POOL = "spark.scheduler.pool"
TRACEBACK = "Traceback (most recent call last):"
CHECK_EVERY_S = 1.0
"""Seconds between two looks at the queries. A blocking `awaitAnyTermination()` would never see the signal."""
FINISH_BATCH_WITHIN_S = 15.0


class Stop(Protocol):
    """Tells a run when to end."""

    @property
    def is_set(self) -> bool: ...


class StopRequest:
    """Set by SIGTERM or Ctrl-C; the handler does nothing else."""

    def __init__(self) -> None:
        self.is_set = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.is_set = True


def end_at_once_on_sigterm() -> None:
    """Let SIGTERM end the process and its JVM at once, until there are queries to stop.

    Spark may need a minute to start, for example where it cannot reach a master; a supervisor kills after 30 s. A JVM
    whose parent ends during its start does not always end by itself: pyspark removes the folder that it answers in.
    """

    def end(number: int, frame: FrameType | None) -> None:
        for child in psutil.Process().children(recursive=True):
            child.kill()
        sys.exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)


def run(
    spark: SparkSession,
    writers: dict[str, DataStreamWriter],
    stop: Stop,
    *,
    available_now: bool,
    is_done: Callable[[], bool] = lambda: False,
    optional: Mapping[str, Callable[[str], None]] | None = None,
    may_end: Collection[str] = (),
) -> None:
    """Run until a signal, until `is_done`, or until no query is left. Raises JobError where a query fails or ends.

    An `optional` query fails alone: its function is called with the reason, and the others go on. With `available_now`
    all queries may end without a cause, else those named in `may_end`, whose triggers let them.
    """
    optional, may_end = optional or {}, writers if available_now else may_end
    queries: list[StreamingQuery] = []
    try:
        for name, writer in writers.items():
            if stop.is_set:  # each takes seconds to start, and a supervisor kills after 30
                break
            try:
                # its jobs take this with them; in one pool for all, they would be done in the order of their coming
                spark.sparkContext.setLocalProperty(POOL, name)
                queries.append(_start(name, writer.trigger(availableNow=True) if available_now else writer))
            except JobError as error:
                if name not in optional:
                    raise
                optional[name](str(error))
        while not (is_over := stop.is_set or is_done()) and any(q.isActive for q in queries):
            _check_queries(queries, optional, may_end)
            time.sleep(CHECK_EVERY_S)
        # whoever asked for the end made the queries end; else the last one may have ended by itself
        _check_queries(queries, optional, writers if is_over else may_end)
    finally:
        stop_queries(queries)


def run_in_turn(
    spark: SparkSession,
    writers: dict[str, DataStreamWriter],
    reports: Collection[str],
    stop: Stop,
    *,
    is_done: Callable[[], bool] = lambda: False,
    optional: Mapping[str, Callable[[str], None]] | None = None,
) -> None:
    """Do all that is there now: first what reads topics, then `reports`, which read the tables that this has written.

    Side by side, a report would read a table as it is at its start, and leave the rest to the next run.
    """
    first = {name: writer for name, writer in writers.items() if name not in reports}
    then = {name: writer for name, writer in writers.items() if name in reports}
    for group in (first, then):
        run(spark, group, stop, available_now=True, is_done=is_done, optional=optional)


def _start(name: str, writer: DataStreamWriter) -> StreamingQuery:
    try:
        return writer.start()
    except Exception as error:
        raise JobError(f"query {name} could not start: {first_line(error)}") from error


def _check_queries(
    queries: list[StreamingQuery], optional: Mapping[str, Callable[[str], None]], may_end: Collection[str]
) -> None:
    """Raise JobError for a query that died; take an optional one off the list."""
    for query in tuple(queries):
        has_ended = not query.isActive  # asked first: one that dies in between has a cause
        error = query.exception()
        if error is None and (query.name in may_end or not has_ended):
            continue
        # its thread may end of an error of the JVM, as a stack that overflows while a cause is looked for
        cause = "it ended without a cause, the log above may have one" if error is None else cause_of(error)
        message = f"query {query.name} stopped: {cause}"
        if query.name not in optional:
            raise JobError(message) from error
        queries.remove(query)
        optional[query.name](message)


def cause_of(error: StreamingQueryException) -> str:
    """Return the innermost cause, Java's or Python's, in one line, without the query's ids and plan."""
    _, traceback, last = str(error).rpartition(TRACEBACK)
    lines = [line for line in last.splitlines() if line.strip()]
    causes = [line.strip() for line in lines if line.lstrip().startswith("Caused by") or "SparkException" in line]
    if causes:
        return causes[-1].removeprefix("Caused by: ")[:400]
    # the lines of a traceback are indented, what was raised is not
    raised = [line for line in lines if not line[0].isspace()] if traceback else []
    return (raised[0] if raised else first_line(error))[:400]


def first_line(error: BaseException) -> str:
    """Return an error's first line."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:400]


def stop_queries(queries: Iterable[StreamingQuery]) -> None:
    """Stop between micro-batches; interrupt one that takes long: it is replayed, and the sinks are idempotent."""
    # one deadline for all of them: a supervisor kills after 30 s
    until = time.monotonic() + FINISH_BATCH_WITHIN_S
    for query in queries:
        while query.isActive and query.status["isTriggerActive"] and time.monotonic() < until:
            time.sleep(0.05)
        try:
            query.stop()
        except Exception as error:
            print(f"query {query.name} did not stop cleanly: {first_line(error)}", file=sys.stderr)
