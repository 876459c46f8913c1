"""Upkeep of the lake by the job itself: a thread next to the queries, at quiet times where that is soon enough."""

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from runtime.errors import PlayproofError
from runtime.lake import upkeep
from runtime.lake.readers import readers
from runtime.settings import Settings
from runtime.world import Unit

EVERY_S = 10.0
QUIET_LOAD = 0.75
"""Load per core, as the mean of a minute, below which the machine is quiet."""


@contextmanager
def running(settings: Settings, unit: Unit, challenger: str = "") -> Iterator[None]:
    """Keep the tables up until the context ends; nothing where the settings say so."""
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=(unit, settings.retention, challenger, stop), daemon=True)
    if settings.upkeep:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if settings.upkeep:
            thread.join(timeout=10)


def _run(unit: Unit, retention: Mapping[str, int], challenger: str, stop: threading.Event) -> None:
    expired_on: date | None = None
    while not stop.wait(EVERY_S):
        is_quiet = os.getloadavg()[0] < QUIET_LOAD * (os.cpu_count() or 1)
        try:
            look_after(unit, is_quiet, challenger)
            today = datetime.now(UTC).date()
            if is_quiet and expired_on != today:
                expired_on = today
                expire(unit, retention, today)
        except (PlayproofError, OSError) as error:  # the next look tries again; the queries are not disturbed
            print(f"upkeep of the lake: {error}", file=sys.stderr, flush=True)


def look_after(unit: Unit, is_quiet: bool, challenger: str = "") -> dict[str, upkeep.Upkeep]:
    """Keep up the tables that are due; return what was done by table."""
    done = {}
    for table in upkeep.tables(unit.lake):
        if upkeep.is_due(table, is_quiet):
            done[table.name] = upkeep.keep_up(table, readers(table, unit, challenger))
    return done


def expire(unit: Unit, retention: Mapping[str, int], today: date) -> dict[str, int]:
    """Remove the rows that are older than their table keeps them; return how many by table."""
    removed: dict[str, int] = {}
    for table in upkeep.tables(unit.lake):
        name = table.relative_to(unit.lake).parts[0]
        if name in retention and name in upkeep.TIME_COLUMN:
            rows = upkeep.expire(table, name, today - timedelta(days=retention[name]))
            removed[name] = removed.get(name, 0) + rows
    return removed
