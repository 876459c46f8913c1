"""Temporary files of a process that may be killed: what a killed one left, the next one removes.

A process has one folder, `tmp-…` in this user's private folder, and holds a lock next to it until it ends, however it
ends. So a folder whose lock is free is nobody's.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import PlayproofError

_PREFIX = "tmp-"


class FolderError(PlayproofError):
    """A folder that must be private to this user is open to others."""


def private_folder() -> Path:
    """Return the folder in the temporary folder that only this user can use. Raises FolderError where others can."""
    temporary, name = Path(tempfile.gettempdir()), f"playproof-{os.getuid()}"
    # in a process that uses a scratch folder, or was started by one: the folder around that
    folder = temporary.parent if temporary.parent.name == name else temporary / name
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.stat()
    if owner.st_uid != os.getuid() or owner.st_mode & 0o077:
        raise FolderError(f"{folder} is open to other users: remove it, or set TMPDIR to a folder of this user alone")
    return folder


def use_scratch_folder() -> Path:
    """Make a folder for the temporary files of this process and its children, and remove those of dead processes.

    Sets TMPDIR. Removed when the process ends; where it is killed, by the next one that calls this.
    """
    private = private_folder()
    with _one_at_a_time(private):
        remove_abandoned(private)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=private))
        lock = _lock_of(folder).open("ab")
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)

    def remove() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        _lock_of(folder).unlink(missing_ok=True)
        lock.close()

    atexit.register(remove)
    return folder


@contextmanager
def _one_at_a_time(private: Path) -> Iterator[None]:
    """Keep other processes out: between making its lock and holding it, a folder would look abandoned."""
    gate = os.open(private, os.O_RDONLY)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield
    finally:
        os.close(gate)


def remove_abandoned(private: Path) -> list[Path]:
    """Remove the folders of processes that ended without removing them; return them."""
    removed = []
    for name in private.glob(f"{_PREFIX}*.lock"):
        folder = name.with_suffix("")
        try:
            with name.open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                name.unlink(missing_ok=True)
                removed.append(folder)
        except BlockingIOError:
            continue  # its process is at work
    return removed


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
