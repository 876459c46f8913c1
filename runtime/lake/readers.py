"""Queries that read a table by its commits: how far they are, and which files upkeep must leave to them.

Such a query is a stream of the files of the table's log (`spark_app.sources.stream_sessions`), so what it has read is
in the log of its source. What the table had at its first start is in a folder of its checkpoint, SNAPSHOT.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from runtime.checkpoint import FILES, NO_OFFSET
from runtime.errors import CheckpointError, naming
from runtime.lake import LOG, lock, named_files, opened, refresh_log, size_of
from runtime.lake.sink_tables import numbered_files, since_compaction
from runtime.storage import push, refresh, refresh_checkpoints, storage_of
from runtime.world import Unit

TABLE = "sessions"
"""The table that queries read by its commits."""
SNAPSHOT = "snapshot"
"""In a checkpoint: the files that the table had at the query's first start, in the form of its log."""
NOTED = "_NOTED"
"""Last file of a snapshot in a bucket; Spark skips names that begin with an underscore."""
MAX_LINES = 10_000
SHADOW = "shadow"
"""Folder of the checkpoints of challengers, and of their tables."""


@dataclass(frozen=True, slots=True)
class Readers:
    """What the readers of a table have done, all together."""

    consumed: int
    """The last commit that every one has done; -1 where one has not begun."""
    unread: frozenset[Path] = field(default=frozenset())
    """Files that one of them still has to read."""


@dataclass(frozen=True, slots=True)
class _Done:
    """What one query has done: its last commit, -1 for none, and the files of its snapshot."""

    version: int
    parts: frozenset[str] = field(default=frozenset())


def note_snapshot(table: Path, folder: Path, files_each: int | None = None) -> tuple[int, Path | None]:
    """Write down the files that a table has, in the form of its log, for a reader that begins now; once per folder.

    Returns the version that the reader begins after, -1 for all, and the folder, None where the table was empty.
    """
    if not is_noted(folder):
        with lock(table):
            delta = opened(table)
            files, version = named_files(Path(), delta), delta.version()
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for first in range(0, len(files), files_each or MAX_LINES):
            lines = (
                {"add": {"path": f.as_posix(), "dataChange": True}} for f in files[first:][: files_each or MAX_LINES]
            )
            (partial / f"{version}-{first:09d}.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
        for file in partial.glob("*.json"):
            push(file, folder / file.name)
        shutil.rmtree(folder, ignore_errors=True)  # what a crash left of one in a bucket
        partial.rename(folder)
        if storage_of(folder) is not None:
            (folder / NOTED).touch()
            push(folder / NOTED)
    versions = [int(file.name.split("-")[0]) for file in folder.glob("*.json")]
    return (versions[0], folder) if versions else (-1, None)


def is_noted(folder: Path) -> bool:
    """Return whether a snapshot is complete. In a bucket no folder is renamed, so there a last file says it."""
    refresh(folder)
    return folder.exists() if storage_of(folder) is None else (folder / NOTED).exists()


def readers(table: Path, unit: Unit, challenger: str = "") -> Readers | None:
    """Return how far the queries are that read a table by its commits; None where there is none.

    A checkpoint of an earlier challenger is left out, and one that comes too late: nobody goes on with it.
    `challenger`: its folder's name.
    """
    if table != unit.table(TABLE):
        return None
    refresh_checkpoints(unit.checkpoints)
    shadow = unit.checkpoints / SHADOW
    checkpoints = [folder for folder in unit.checkpoints.glob("*/") if folder != shadow]
    if challenger and not missed_commits(unit, challenger):
        checkpoints.append(shadow / challenger)
    done = {folder: known for folder in checkpoints if (known := _done(folder)) is not None}
    if not done:
        return None
    unread = {table / path for folder, known in done.items() for path in _unread(table, folder, known)}
    return Readers(min(known.version for known in done.values()), frozenset(unread))


def missed_commits(unit: Unit, challenger: str) -> int:
    """Return how many commits a challenger has not read that the log no longer has; 0 before its first start.

    The log is kept for the present challenger only: one that comes back may be too late. `challenger`: its folder's
    name. What upkeep has merged meanwhile is not missed: 0 too where it has scored as many sessions as there are.
    """
    table, checkpoint = unit.table(TABLE), unit.checkpoints / SHADOW / challenger
    refresh_log(table)
    there = {int(file.stem) for file in (table / LOG).glob("*.json")}  # before what is read, as that grows
    refresh_checkpoints(checkpoint)
    done = _done(checkpoint)
    if done is None:
        return 0
    noted = [int(file.name.split("-")[0]) for file in (checkpoint / SNAPSHOT).glob("*.json")]
    since = max([done.version, *noted])
    missed = sum(version not in there for version in range(since + 1, max(there, default=-1)))
    return missed if missed and size_of(table)[0] != size_of(unit.table(SHADOW) / challenger)[0] else 0


def _done(checkpoint: Path) -> _Done | None:
    """Return what a query has done; None for one that reads no commits."""
    logs = [folder for folder in checkpoint.glob("sources/*/") if _names_files_of_a_log(folder)]
    finished = numbered_files(checkpoint / "commits")
    if not logs or not finished:
        return _Done(-1) if (checkpoint / SNAPSHOT).exists() or logs else None
    planned = checkpoint / "offsets" / str(max(finished))
    versions, parts = [-1], set[str]()
    for folder in logs:
        with naming(planned, CheckpointError):
            line = planned.read_text().splitlines()[2 + int(folder.name)]
            limit = -1 if line == NO_OFFSET else orjson.loads(line)[FILES]
        for file in since_compaction(folder).values():
            with naming(file, CheckpointError):
                entries = map(orjson.loads, file.read_text().splitlines()[1:])
                paths = [Path(entry["path"]) for entry in entries if entry["batchId"] <= limit]
            for path in paths:
                if path.parent.name == LOG:
                    versions.append(int(path.stem))
                else:
                    parts.add(path.name)
    return _Done(max(versions), frozenset(parts))


def _names_files_of_a_log(source: Path) -> bool:
    files = numbered_files(source)
    first = files[min(files)].read_text() if files else ""
    return f"/{LOG}/" in first or f"/{SNAPSHOT}/" in first


def _unread(table: Path, checkpoint: Path, done: _Done) -> Iterator[str]:
    yield from _added(f for f in (table / LOG).glob("*.json") if int(f.stem) > done.version)
    yield from _added(f for f in (checkpoint / SNAPSHOT).glob("*.json") if f.name not in done.parts)


def _added(files: Iterable[Path]) -> Iterator[str]:
    """Name the files that lines of a log add, those aside that upkeep has merged."""
    for file in files:
        with naming(file, CheckpointError):
            entries = [orjson.loads(line).get("add") for line in file.read_bytes().splitlines()]
            added = [entry["path"] for entry in entries if entry and entry["dataChange"]]
        yield from added
