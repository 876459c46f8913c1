"""Tables and checkpoints of a version in a bucket: the folder of this machine has copies of them.

`v<N>/STORAGE` names the address. What this machine reads is copied into the folder, at the same path below it, once, as
files there do not change; so every reader works on paths, as without a bucket. What is written goes to the bucket.
Nothing here does anything for a version without STORAGE: its folder is the storage.
"""

import json
import os
import shutil
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from runtime.errors import StorageError
from runtime.storage.bucket import PARTIAL, TOLD, Storage, service_of

MARKER = "STORAGE"
COPIED = ("lake", "checkpoints")
"""Folders of a version that are in the bucket."""


def storage_of(path: Path) -> Storage | None:
    """Return the storage that a path of a version is in; None where that is this machine."""
    path = path.absolute()
    told = _told(os.environ.get(TOLD, ""))
    if told is not None and path.is_relative_to(told.folder):
        return told
    for folder in (path, *path.parents):
        if folder.name in COPIED:
            marker = folder.parent / MARKER
            return _read(marker) if marker.exists() else None
    return None


def refresh(folder: Path) -> None:
    """Make the copy of a folder equal to it, where it is in a bucket. Raises StorageError."""
    storage = storage_of(folder)
    if storage is not None:
        storage.refresh(folder)


def refresh_checkpoints(folder: Path) -> None:
    """Copy what is small of all checkpoints, where they are in a bucket: not the state. Raises StorageError."""
    storage = storage_of(folder)
    if storage is not None:
        storage.refresh_tree(folder, leave_out="state")


def push(file: Path, to: Path | None = None) -> None:
    """Write a file of this machine, or what will be the file `to`, where its version is in a bucket.

    Raises StorageError.
    """
    storage = storage_of(file)
    if storage is not None:
        storage.push(file, to)


def remove(file: Path) -> None:
    """Remove a file from where its version is, and from here. Raises StorageError."""
    storage = storage_of(file)
    if storage is None:
        file.unlink(missing_ok=True)
    else:
        storage.remove(file)


def remove_tree(folder: Path) -> None:
    """Remove a folder from where its version is, and from here. Raises StorageError."""
    storage = storage_of(folder)
    if storage is not None:
        storage.remove_tree(folder)
    shutil.rmtree(folder, ignore_errors=True)


def open_output(file: Path) -> Any:
    """Open a file to write, in its folder or in the bucket. Raises StorageError."""
    from pyarrow import OSFile

    storage = storage_of(file)
    if storage is not None:
        return storage.open_output(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    return OSFile(str(file), "wb")


def readable(file: Path) -> Any:
    """Return what a reader of parquet opens: the file, or where it is in a bucket and not here, the one there."""
    storage = storage_of(file)
    return file if storage is None or file.exists() else storage.open_input(file)


@lru_cache(maxsize=4)
def _told(text: str) -> Storage | None:
    if not text:
        return None
    folder, address = json.loads(text)
    return Storage(Path(folder), address, service_of(address))


def _read(marker: Path) -> Storage:
    try:
        address = str(json.loads(marker.read_bytes())["address"])
    except (ValueError, KeyError, TypeError):
        raise StorageError(f'{marker} is unreadable: it has to name an address, as {{"address": "s3://…"}}') from None
    return Storage(marker.parent, address, service_of(address))


def attach(version: Path, address: str) -> Storage | None:
    """Let a version that has not begun have its tables and checkpoints below `address`; None where they are local.

    A version that has begun goes on where it is. `address` is PLAYPROOF_STORAGE; empty for this machine.
    Raises StorageError where the version is in another place, where another run's files are, or nothing answers.
    """
    version, marker = version.absolute(), version.absolute() / MARKER
    if marker.exists():
        storage = _read(marker)
        wanted = address and f"{address}/{version.parent.name}/{version.name}"
        if address and storage.address != wanted:
            raise StorageError(
                f"this version of world {version.parent.name} is in {storage.address}, and PLAYPROOF_STORAGE "
                f"names {wanted}: begin a version there with  playproof up --fresh , or unset PLAYPROOF_STORAGE"
            )
        return storage
    if not address:
        return None
    if any(any((version / name).glob("*")) for name in COPIED):
        raise StorageError(
            f"this version of world {version.parent.name} has its tables on this machine, and PLAYPROOF_STORAGE would "
            "have them in a bucket: begin a version there with  playproof up --fresh , or unset PLAYPROOF_STORAGE"
        )
    storage = Storage(version, f"{address}/{version.parent.name}/{version.name}", service_of(address))
    if not storage.is_empty():
        raise StorageError(
            f"{storage.address} has files of another run: choose another prefix with PLAYPROOF_STORAGE; if they are "
            f"this world's, written by another machine, copy {version.name}/{MARKER} of its folder from there"
        )
    version.mkdir(parents=True, exist_ok=True)
    partial = version / f".{MARKER}{PARTIAL}"
    began = datetime.now(UTC).isoformat(timespec="seconds")
    partial.write_text(json.dumps({"address": storage.address, "began": began}) + "\n")
    partial.replace(marker)
    return storage


def spark_path(path: Path) -> str:
    """Return a path of a version as Spark has to name it: below s3a:// where it is in a bucket."""
    storage = storage_of(path)
    return str(path) if storage is None else storage.endpoint.spark_address(storage.address_of(path))
