"""Upkeep of the lake by the job itself: a thread next to the queries, with a share of the CPU where that is busy."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from runtime.lake import upkeep
from runtime.lake.readers import readers
from runtime.monitoring.trouble import Trouble
from runtime.settings import Settings
from runtime.world import Unit

EVERY_S = 10.0
QUIET_LOAD = 0.75
"""Load per core, as the mean of a minute, below which the machine is quiet."""
MAX_SHARE = 0.1
"""Of one core: what upkeep takes at most, in the mean, where the machine is not quiet."""
RETRY_AFTER_S = 300.0
"""How long a table is left alone whose upkeep failed: a damaged file stays damaged, and to find it takes CPU."""
EXPIRES_BY_HOUR = 12
"""Hour of the day, UTC, from which old rows are removed also where the machine is not quiet."""


@contextmanager
def running(settings: Settings, unit: Unit, challenger: str = "") -> Iterator[None]:
    """Keep the tables up until the context ends; nothing where the settings say so."""
    stop = threading.Event()
    keeper = TableKeeper(unit, challenger)
    thread = threading.Thread(target=_run, args=(keeper, settings.retention, stop), daemon=True)
    if settings.upkeep:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if settings.upkeep:
            thread.join(timeout=10)


@dataclass
class TableKeeper:
    """Keeps up the tables of a unit, and no faster than its share of the CPU allows."""

    unit: Unit
    challenger: str = ""
    """The folder of the challenger whose checkpoint counts."""
    now: Callable[[], float] = time.time
    cpu_s: Callable[[], float] = time.thread_time
    _free_at: float = 0.0
    """From when on there is CPU again, in epoch seconds."""
    _again_at: dict[Path, float] = field(default_factory=dict)
    """By table: when the files that its last upkeep has merged can be removed."""
    _not_before: dict[Path, float] = field(default_factory=dict)
    """By table whose upkeep failed: until when it is left alone, in epoch seconds."""

    def look_after(self, is_quiet: bool) -> dict[str, upkeep.Upkeep]:
        """Keep up the tables that are due; return what was done by table. One that fails is named, the others go on."""
        done = {}
        for table in upkeep.tables(self.unit.lake):
            try:
                if self._is_due(table, is_quiet):
                    done[table.name] = self._keep_up(table)
            except Exception as error:  # a damaged file, a log that Spark has just removed, another program's commit
                self._not_before[table] = self.now() + RETRY_AFTER_S
                _report(table, error)
        return done

    def _keep_up(self, table: Path) -> upkeep.Upkeep:
        began, cpu_s = self.now(), self.cpu_s()
        kept = upkeep.keep_up(table, readers(table, self.unit, self.challenger), self.now)
        self._free_at = began + (self.cpu_s() - cpu_s) / MAX_SHARE
        self._again_at.pop(table, None)
        if kept.merged:
            self._again_at[table] = self.now() + upkeep.READERS_NEED_S
        return kept

    def _is_due(self, table: Path, is_quiet: bool) -> bool:
        now = self.now()
        if now < self._not_before.get(table, 0.0):
            return False
        if not is_quiet and now < self._free_at:
            return upkeep.is_overdue(table)
        return now > self._again_at.get(table, now) or upkeep.is_due(table, now)


def _run(keeper: TableKeeper, retention: Mapping[str, int], stop: threading.Event) -> None:
    expired_on: date | None = None
    trouble = Trouble("upkeep", "the lake is left as it is")
    while not stop.wait(EVERY_S):
        is_quiet = os.getloadavg()[0] < QUIET_LOAD * (os.cpu_count() or 1)
        try:
            keeper.look_after(is_quiet)
            now = datetime.now(UTC)
            if expired_on != now.date() and (is_quiet or now.hour >= EXPIRES_BY_HOUR):
                expired_on = now.date()
                expire(keeper.unit, retention, now.date())
            trouble.clear()
        except Exception as error:  # whatever it is, the next look tries again; the queries are not disturbed
            trouble.report(error)


def _report(table: Path, error: Exception) -> None:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    print(f"upkeep of lake/{table.name}: {reason}", file=sys.stderr, flush=True)


def expire(unit: Unit, retention: Mapping[str, int], today: date) -> dict[str, int]:
    """Remove the rows that are older than their table keeps them; return how many by table.

    A table that fails is named, and waits for the next day.
    """
    removed: dict[str, int] = {}
    for table in upkeep.tables(unit.lake):
        name = table.relative_to(unit.lake).parts[0]
        if name in retention and name in upkeep.TIME_COLUMN:
            try:
                rows = upkeep.expire(table, name, today - timedelta(days=retention[name]))
            except Exception as error:  # as above: the rows of the other tables go
                _report(table, error)
            else:
                removed[name] = removed.get(name, 0) + rows
    return removed
