"""Commits to the lake's tables: what adds rows, once per micro-batch; what replaces a table; what upkeep does.

`deltalake` is imported where it is needed: a worker of Spark that writes files needs no Delta library.
"""

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from runtime import storage
from runtime.errors import LakeError, StorageError
from runtime.lake import MAX_NEW_COMMITS, file_name, is_table, listed_files, lock, refresh_log
from runtime.lake.places import create, date_in_order, forget, named, to_write
from runtime.lake.schemas import PARTITION, partitions_of, table_schema

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.transaction import PostCommitHookProperties, RemoveAction

_MS = 1000


@dataclass(frozen=True, slots=True)
class DataFile:
    """A parquet file that a task wrote: its path below the table, and its size."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A micro-batch of a query. `writer` names query and checkpoint: another checkpoint begins to count again."""

    writer: str
    number: int


def create_table(table: Path, name: str = "") -> None:
    """Create a table of the contract without rows, unless there is one. `name`: default the folder's."""
    if not is_table(table):
        create(table, table_schema(name or table.name), partitions_of(name or table.name))


def append(table: Path, files: Sequence[DataFile], transaction: Transaction, name: str = "") -> bool:
    """Add the files of a micro-batch to a table in one commit; return False where its number was added before.

    The files of a repeated micro-batch are removed. Raises LakeError where another writer is at work on the table.
    """
    from deltalake.exceptions import DeltaError

    name = name or table.name
    create_table(table, name)
    with lock(table), named(table):
        try:
            return _append(table, files, transaction, name)
        except DeltaError:  # upkeep by another program removed old files of the log while they were read
            forget(table)
            return _append(table, files, transaction, name)


def _append(table: Path, files: Sequence[DataFile], transaction: Transaction, name: str) -> bool:
    delta = to_write(table)
    last = delta.transaction_version(transaction.writer)
    if last is None and delta.file_uris():
        raise LakeError(
            f"lake/{name} was written by another checkpoint than {transaction.writer}: a table has one writer; "
            "begin again with  playproof up --fresh , or read the topics again with  playproof up --reread"
        )
    if last is not None and last >= transaction.number:
        for file in {table / f.path for f in files}.difference(listed_files(table)):
            storage.remove(file)
        return False
    if files:
        _commit(table, delta, name, files, "append", transaction)
        if (delta.version() + 1) % MAX_NEW_COMMITS == 0:
            with suppress(LakeError, StorageError):  # the next one will do
                checkpoint(table)  # whoever opens the table reads this, and the few commits that follow
    return True


def append_rows(table: Path, rows: pa.Table, transaction: Transaction, name: str = "") -> bool:
    """Write rows as files of a table, one per partition, and add them: see `append`. No rows add nothing."""
    return append(table, write_files(table, rows, transaction.number), transaction, name) if rows.num_rows else False


def write_files(table: Path, rows: pa.Table, batch_id: int = 0) -> list[DataFile]:
    """Write rows to files below a table, which do not count yet; a column `date` names the folders of a partition."""
    parts: list[tuple[str, pa.Table]] = [("", rows)]
    if partitions_of(table.name) and PARTITION in rows.column_names:
        without = rows.drop_columns([PARTITION])
        days = pc.unique(rows[PARTITION]).to_pylist()
        parts = [(f"{PARTITION}={day}/", without.filter(pc.equal(rows[PARTITION], pa.scalar(day)))) for day in days]
    files = []
    for folder, part in parts:
        path = folder + file_name(batch_id, uuid.uuid4().hex)
        (table / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(part, table / path, store_schema=False)
        files.append(push(table, DataFile(path, part.num_rows, (table / path).stat().st_size)))
    return files


def push(table: Path, file: DataFile) -> DataFile:
    """Bring a file that this process wrote to where the table is, and return it."""
    storage.push(table / file.path)
    return file


def replace(table: Path, files: Sequence[DataFile], schema: pa.Schema, transaction: Transaction | None = None) -> None:
    """Make `files` the content of a table in one commit: readers see what was there before, or all that is new.

    `transaction`: what the content was computed from. Raises LakeError where another program commits to the table at
    the same time.
    """
    if not is_table(table):
        create(table, schema)
    with lock(table), named(table):
        _commit(table, to_write(table), table.name, files, "overwrite", transaction, schema)


def rewrite(table: Path, old: Sequence[str], new: Sequence[DataFile], *, rows_go: bool) -> None:
    """Replace files of a table by others in one commit, which adds no rows; `rows_go`: and removes some.

    Raises LakeError where another program does so at the same time.
    """
    from deltalake.transaction import RemoveAction

    with lock(table), _whole_log(table), named(table):
        now = round(time.time() * _MS)
        gone = [RemoveAction(path, rows_go, now, partition_values=_partition_values(path)) for path in old]
        _commit(table, to_write(table), table.name, new, "append", removed=gone, is_data_change=False)


def checkpoint(table: Path) -> int:
    """Write all that a table is into a checkpoint of its log; return the version. It takes 17 ms with 500 files.

    Raises LakeError where another program cuts the log at the same time.
    """
    with lock(table), _whole_log(table), named(table):
        delta = to_write(table, is_new=True)
        delta.create_checkpoint()
        forget(table)  # opened again, it reads the checkpoint and nothing before
        refresh_log(table)
        return int(delta.version())


@contextmanager
def _whole_log(table: Path) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        yield
    except DeltaError:
        forget(table)
        raise LakeError(
            f"the log of lake/{table.name} was cut by another program while it was read: try again"
        ) from None


def _commit(
    table: Path,
    delta: "DeltaTable",
    name: str,
    files: Sequence[DataFile],
    mode: str,
    transaction: Transaction | None = None,
    schema: pa.Schema | None = None,
    removed: Sequence["RemoveAction"] = (),
    is_data_change: bool = True,
) -> None:
    from deltalake import CommitProperties
    from deltalake import Transaction as AppTransaction
    from deltalake.exceptions import CommitFailedError
    from deltalake.transaction import AddAction

    now = round(time.time() * _MS)
    stats = (json.dumps({"numRecords": f.rows}) for f in files)
    actions: list[AddAction | RemoveAction] = [*removed]
    actions += [
        AddAction(f.path, f.bytes, _partition_values(f.path), now, is_data_change, stat)
        for f, stat in zip(files, stats, strict=True)
    ]
    number = [] if transaction is None else [AppTransaction(transaction.writer, transaction.number)]
    partition_by, before = delta.metadata().partition_columns, delta.version()
    try:
        delta.create_write_transaction(
            actions,
            mode,
            delta.schema() if schema is None else schema,
            partition_by,
            commit_properties=CommitProperties(app_transactions=number),
            post_commithook_properties=_no_upkeep(),
        )
    except CommitFailedError:
        if mode == "overwrite":
            raise LakeError(
                f"another program replaced or merged lake/{name} at the same time: nothing is lost; try again"
            ) from None
        raise LakeError(
            f"another program committed to lake/{name} at the same time: a table has one writer; end the other job of "
            "this world with  playproof down , then start this one again"
            if is_data_change
            else f"another program merged or removed the same files of lake/{name}: nothing is lost; try again"
        ) from None
    date_in_order(table, before)


@cache
def _no_upkeep() -> "PostCommitHookProperties":
    """Return the wish that a commit writes nothing but itself: upkeep has its own time (`runtime.lake.upkeep`)."""
    from deltalake.transaction import PostCommitHookProperties

    return PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


def _partition_values(path: str) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for part in path.split("/")[:-1]:
        name, _, value = part.partition("=")
        values[name] = value
    return values
