"""The tables of the lake: Delta tables, which one program writes and every program reads.

A table is a folder of parquet files with a log, `_delta_log`, that names those that count. Workers write files; one
commit adds them all. What no commit names never counts: the rest of a crash, or of a task that was repeated. A commit
of a stream has the number of its micro-batch, so a micro-batch that is repeated is not added again. The log has paths
relative to the table: a world may be moved.

The tables of a version may be in a bucket (`runtime.storage`). Then the folder of this machine has copies: of the log,
as it is when a table is read, and of the files that were read.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from runtime import storage
from runtime.errors import CheckpointError, LakeError
from runtime.lake.sink_tables import sink_files

if TYPE_CHECKING:
    from deltalake import DeltaTable

LOG = "_delta_log"
MAX_OPEN = 64
"""Tables that a process keeps open: to read what is new in a log is faster than to read all of it."""
MAX_NEW_COMMITS = 10
"""Commits that an open table reads before it is opened again, and a writer makes before it writes a checkpoint of the
log. deltalake 1.6 reads all commits since its first reading again at each call: 0.35 ms of CPU for each."""


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table that a process keeps open."""

    delta: "DeltaTable"
    first: int
    """The version that it had when it was opened."""
    commit: object
    """What identifies the file of its version in the log: a table that was removed and made again has another."""


_open: dict[Path, OpenTable] = {}
_locks: dict[Path, RLock] = {}


def committed_files(table: Path) -> list[Path]:
    """List a table's committed parquet files, those of a stream by micro-batch; empty where there is no table.

    A table that Spark's own sink wrote is read too. From a bucket they are copied to this machine. Raises
    CheckpointError where the log of the table is damaged, or names a file that is not in the bucket.
    """
    before: list[Path] = []
    while True:
        files = listed_files(table)
        try:
            return on_this_machine(files)
        except FileNotFoundError as error:
            if files == before:
                raise CheckpointError(f"lake/{table.name} counts a file that is not there: {error}") from None
            before = files  # upkeep has replaced the file since: the log says by what


def listed_files(table: Path) -> list[Path]:
    """List the files that `committed_files` would, where they need not be on this machine. Raises as it does."""
    if not is_table(table):
        return sink_files(table)
    with lock(table):
        return named_files(table, opened(table))


def on_this_machine(files: list[Path]) -> list[Path]:
    """Return files of one table, copied from the bucket where they are there and were not copied before."""
    bucket = storage.storage_of(files[0]) if files else None
    if bucket is not None:
        bucket.fetch(files)
    return files


def size_of(table: Path) -> tuple[int, int]:
    """Return the rows and bytes of the files that count, as the log has them; zeros where there is no table."""
    if not is_table(table):
        return 0, 0
    with lock(table):
        files = pa.table(opened(table).get_add_actions(flatten=True))
    return pc.sum(files["num_records"]).as_py() or 0, pc.sum(files["size_bytes"]).as_py() or 0


def lock(table: Path) -> RLock:
    """Return what lets one thread at a time read or write a table; other tables do not wait for it."""
    return _locks.setdefault(table.absolute(), RLock())


def is_table(table: Path) -> bool:
    """Return whether a folder is a table of the lake. A log without a commit is what a crash left of making one."""
    if not _has_commits(table):
        refresh_log(table)
    return _has_commits(table)


def refresh_log(table: Path) -> None:
    """Copy what is new in the log of a table in a bucket."""
    storage.refresh(table / LOG)


def file_name(batch_id: int, part: str) -> str:
    """Return the name of a file of a micro-batch: names sort by micro-batch.

    >>> file_name(7, "a1")
    'part-000000007-a1.parquet'
    """
    return f"part-{batch_id:09d}-{part}.parquet"


def batch_of(file: Path) -> int:
    """Return the micro-batch that wrote a file, the last one of a file that was merged from several; -1 for others.

    >>> batch_of(Path("date=2025-03-03/part-000000007-a1.parquet")), batch_of(Path("x.parquet"))
    (7, -1)

    HDFS has another name before it until a file is whole:

    >>> batch_of(Path(".0f-part-000000007-a1.parquet"))
    7
    """
    name = file.name.partition("-")[2] if file.name.startswith(".") else file.name
    number = name.split("-")[1] if "-" in name else ""
    return int(number) if number.isdigit() else -1


def last_number(table: Path, writer: str) -> int:
    """Return the number of the last transaction of a writer; -1 before the first."""
    if not is_table(table):
        return -1
    with lock(table):
        number = opened(table).transaction_version(writer)
    return -1 if number is None else number


def files_of_version(table: Path, version: int) -> list[Path]:
    """List the files of an earlier version. Raises CheckpointError where it cannot be read any more."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        return named_files(table, DeltaTable(table.absolute(), version=version))
    except DeltaError as error:
        raise CheckpointError(f"version {version} of lake/{table.name} cannot be read ({error})") from None


def signature(table: Path) -> object:
    """Return a value that changes when something is committed to a table; None where there is no table.

    It takes microseconds, where reading the list of files takes milliseconds: pages call it every few seconds. In a
    bucket it takes the list of the log.
    """
    refresh_log(table)
    try:
        return (table / LOG).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def named_files(table: Path, delta: "DeltaTable") -> list[Path]:
    """List the files of an open table, below the path that is given for it."""
    # addresses are absolute, and encoded; below the table there is nothing to encode
    depth = 1 + len(delta.metadata().partition_columns)
    return [table / path for path in sorted("/".join(uri.rsplit("/", depth)[1:]) for uri in delta.file_uris())]


def opened(table: Path) -> "DeltaTable":
    """Return a table as it is now; to be called with its lock. Raises CheckpointError where its log is damaged."""
    from deltalake.exceptions import DeltaError

    key = table.absolute()
    for is_last in (False, True):
        refresh_log(table)
        try:
            known = _current(key)
            break
        except DeltaError as error:
            _open.pop(key, None)
            if is_last:  # upkeep may have replaced files of the log while it was read: then another try succeeds
                raise CheckpointError(_damage(table, str(error).splitlines()[0])) from None
    while len(_open) >= MAX_OPEN:
        _open.pop(next(iter(_open)), None)
    _open[key] = known
    return known.delta


def close(table: Path) -> None:
    """Forget an open table: the next reading opens it again."""
    _open.pop(table.absolute(), None)


def address(table: Path) -> Path:
    """Return where a table is. Raises LakeError for a path that Delta tables cannot have: delta-rs decodes it."""
    path = table.absolute()
    if unquote(str(path)) != str(path):
        raise LakeError(f"{path} has an encoded character, as %20, which the path of a table cannot have: rename it")
    return path


def _has_commits(table: Path) -> bool:
    try:
        with os.scandir(table / LOG) as files:  # the first will do: a log may have hundreds
            return any(file.name.endswith((".json", ".parquet")) for file in files)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _current(table: Path) -> OpenTable:
    """Read what is new in the log of an open table, or open it."""
    from deltalake import DeltaTable

    known = _open.get(table)
    if known is not None and known.commit == _commit_file(table, known.delta.version()) is not None:
        known.delta.update_incremental()
        if known.delta.version() - known.first <= MAX_NEW_COMMITS:
            return OpenTable(known.delta, known.first, _commit_file(table, known.delta.version()))
    delta = DeltaTable(address(table))
    return OpenTable(delta, delta.version(), _commit_file(table, delta.version()))


def _commit_file(table: Path, version: int) -> object:
    try:
        file = (table / LOG / f"{version:020}.json").stat()
    except FileNotFoundError:
        return None
    return file.st_ino, file.st_mtime_ns


def _damage(table: Path, error: str) -> str:
    """Name the file of a table's log that cannot be read."""
    for file in sorted((table / LOG).glob("*.json")):
        try:
            for line in file.read_bytes().splitlines():
                orjson.loads(line)
        except ValueError as trouble:
            return f"{file} is unreadable ({trouble}): restore it from a copy"
    return f"the log of lake/{table.name} is unreadable ({error}): restore {table / LOG} from a copy"
