"""Where commits to a table go: the folder of this machine, or a bucket."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from runtime.errors import StorageError
from runtime.lake import LOG, address, close, opened, refresh_log
from runtime.storage import storage_of
from runtime.storage.bucket import Storage

if TYPE_CHECKING:
    from deltalake import DeltaTable

REMOVED_ARE_KNOWN_FOR = "interval 10 minutes"
"""How long the log of a table names a file that counts no more.

By default it is a week, and each checkpoint of the log, one per 10 commits, grows by 80 bytes and 2 µs of CPU for every
file of that week. Upkeep removes the files themselves after 4 minutes, and asks no log for them."""
_MS_NS = 1_000_000
_written: dict[str, "DeltaTable"] = {}
"""Tables in a bucket that this process writes, by address."""


def create(table: Path, schema: pa.Schema, partition_by: Sequence[str] = ()) -> None:
    """Create a table without rows, in the place that its version has."""
    from deltalake import DeltaTable

    place, options = _place(table, storage_of(table))
    with named(table):
        DeltaTable.create(
            place,
            schema,
            mode="ignore",
            partition_by=[*partition_by],
            configuration={"delta.deletedFileRetentionDuration": REMOVED_ARE_KNOWN_FOR},
            storage_options=options,
        )
    refresh_log(table)


def to_write(table: Path, *, is_new: bool = False) -> "DeltaTable":
    """Return a table as it is now, in the place that commits go to; `is_new`: opened again."""
    from deltalake import DeltaTable

    storage = storage_of(table)
    if storage is None:
        return opened(table)
    place, options = _place(table, storage)
    if is_new or place not in _written:
        _written[place] = DeltaTable(place, storage_options=options)
    else:
        _written[place].update_incremental()
    return _written[place]


def date_in_order(table: Path, version: int) -> None:
    """Let the files of a table's log have rising times from a version on, also where the clock was set back meanwhile.

    Queries that read a table by its commits take them by these times, and never one that is a day older than the
    newest. A bucket gives its own times, which nobody can set.
    """
    if storage_of(table) is not None:
        return
    earliest = 0
    with suppress(OSError):  # the one after the newest is not there
        for number in count(version):
            file = table / LOG / f"{number:020}.json"
            at = file.stat().st_mtime_ns
            if at < earliest:
                at = earliest
                os.utime(file, ns=(at, at))
            earliest = at + _MS_NS


def forget(table: Path) -> None:
    """Forget an open table: the next reading or commit opens it again."""
    close(table)
    storage = storage_of(table)
    if storage is not None:
        _written.pop(storage.address_of(table), None)


def _place(table: Path, storage: Storage | None) -> tuple[str, dict[str, str]]:
    return (str(address(table)), {}) if storage is None else (storage.address_of(table), storage.endpoint.for_delta())


@contextmanager
def named(table: Path) -> Iterator[None]:
    """Say in one line why a table in a bucket cannot be reached."""
    from deltalake.exceptions import DeltaError

    storage = storage_of(table)
    try:
        yield
    except (DeltaError, OSError) as error:
        if storage is None:
            raise
        forget(table)
        raise StorageError(f"{storage.address_of(table)} {storage.endpoint.reason_of(str(error))}") from None
