"""What a table of the lake was at an earlier time: versions that can still be read.

Every commit is a version. Upkeep writes a checkpoint of the log, which has all that the table is, and removes the
commits before it. Some checkpoints are kept as moments: those that are the first of their four hours for a day, and of
their day for a month. `_moments.jsonl` in the table has their times.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from runtime import storage
from runtime.errors import CheckpointError, LakeError, naming
from runtime.lake import LOG, commits, files_of_version, on_this_machine, refresh_log

MOMENTS = "_moments.jsonl"
EVERY, FOR = timedelta(hours=4), timedelta(days=1)
DAILY_FOR = timedelta(days=30)
CHECKPOINT = ".checkpoint.parquet"
LOG_NEEDED_S = 60.0
"""How long a file of the log stays that a checkpoint replaces: another program may be reading it."""
_MS = 1000


@dataclass(frozen=True, slots=True)
class Moment:
    """A version of a table, and when it was committed."""

    version: int
    at: datetime


def versions(table: Path) -> list[Moment]:
    """List the versions that can be read, the oldest first: moments, and every commit since the last upkeep.

    Raises CheckpointError where a file that names them is damaged.
    """
    refresh_log(table)
    found = {moment.version: moment for moment in _moments(table)}
    for log in sorted((table / LOG).glob("*.json")):
        with naming(log, CheckpointError):
            entries = [orjson.loads(line).get("commitInfo") for line in log.read_bytes().splitlines()]
            info = next(filter(None, entries), None)
            at = info["timestamp"] / _MS if info else log.stat().st_mtime
        found[int(log.stem)] = Moment(int(log.stem), datetime.fromtimestamp(at, UTC))
    return [found[version] for version in sorted(found)]


def version_at(table: Path, at: datetime) -> Moment:
    """Return the newest version that is not after a time. Raises LakeError where none is kept."""
    known = versions(table)
    before = [moment for moment in known if moment.at <= at]
    if not before:
        oldest = f"the oldest kept is of {known[0].at:%Y-%m-%d %H:%M:%S} UTC" if known else "it has none"
        raise LakeError(
            f"lake/{table.name} has no version of {at:%Y-%m-%d %H:%M} UTC: {oldest}; see  playproof lake show"
        )
    return before[-1]


def files_at(table: Path, moment: Moment) -> list[Path]:
    """List the files that counted in a version."""
    return on_this_machine(files_of_version(table, moment.version))


def files(table: Path) -> set[Path]:
    """List the files that any moment has."""
    kept = [m for m in _moments(table) if (table / LOG / f"{m.version:020}{CHECKPOINT}").exists()]
    return {file for moment in kept for file in files_of_version(table, moment.version)}


def last_version(table: Path) -> int:
    """Return the version of the last upkeep; -1 before the first."""
    return max((moment.version for moment in _moments(table)), default=-1)


def upkeep_at(table: Path) -> float:
    """Return when the last upkeep was, in epoch seconds; before the first, when the table's log began."""
    times = [moment.at.timestamp() for moment in _moments(table)]
    return max(times) if times else min((file.stat().st_mtime for file in (table / LOG).glob("*.json")), default=0.0)


def is_due(table: Path, now: float) -> bool:
    """Return whether the next checkpoint is the first of its four hours, so that it is kept."""
    return all(_hours_of(moment.at) != _hours_of(datetime.fromtimestamp(now, UTC)) for moment in _moments(table))


def checkpoint(table: Path, consumed: int | None, now: Callable[[], float]) -> int:
    """Write a checkpoint of the log, remove the commits before it that every reader has read; return how many.

    Without any new commit it writes nothing.
    """
    log = table / LOG
    version = commits.checkpoint(table)
    at = now()  # asked after the version is known: none of its commits is later
    _note(table, Moment(version, datetime.fromtimestamp(at, UTC)))
    removed = 0
    limit = version if consumed is None else min(version, consumed)
    for file in log.glob("*.json"):
        if int(file.stem) < limit and _age_s(file, at) > LOG_NEEDED_S:
            storage.remove(file)
            removed += 1
    kept = {moment.version for moment in _moments(table)}
    for file in log.glob(f"*{CHECKPOINT}"):
        of = int(file.name.removesuffix(CHECKPOINT))
        # never a newer one: another program may have written it
        if of < version and of not in kept and _age_s(file, at) > LOG_NEEDED_S:
            storage.remove(file)
            removed += 1
    return removed


def _age_s(file: Path, now: float) -> float:
    """Return how old a file is; one that a clock has dated ahead, which was set right since, is not new either."""
    try:
        return abs(now - file.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def forget(table: Path) -> None:
    """Keep no earlier version: the files that only they have are removed by the next vacuum."""
    storage.remove(table / MOMENTS)


def _moments(table: Path) -> list[Moment]:
    file, bucket = table / MOMENTS, storage.storage_of(table)
    if bucket is not None:
        bucket.refresh_file(file)
    if not file.exists():
        return []
    with naming(file, CheckpointError):
        lines = (orjson.loads(line) for line in file.read_bytes().splitlines() if line.endswith(b"}"))
        return [Moment(line["version"], datetime.fromisoformat(line["at"])) for line in lines]


def _note(table: Path, newest: Moment) -> None:
    """Write down a moment, and leave out those that are not kept any more."""
    kept = list(_thinned([*(m for m in _moments(table) if m.version != newest.version), newest], newest.at))
    partial = table / f".{MOMENTS}.partial"
    partial.write_text("".join(json.dumps({"version": m.version, "at": m.at.isoformat()}) + "\n" for m in kept))
    partial.replace(table / MOMENTS)
    storage.push(table / MOMENTS)


def _thinned(moments: list[Moment], now: datetime) -> Iterator[Moment]:
    seen: set[object] = set()
    for moment in moments:
        age = now - moment.at
        if age > DAILY_FOR:
            continue
        key: object = moment.at.date() if age > FOR else _hours_of(moment.at)
        if key not in seen or moment is moments[-1]:
            seen.add(key)
            yield moment


def _hours_of(at: datetime) -> float:
    return at.timestamp() // EVERY.total_seconds()
