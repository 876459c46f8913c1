"""A lock that processes of one machine hold by a file; the system lets it go when its process ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_kept: dict[Path, IO[bytes]] = {}
"""Files whose locks this process keeps until it ends."""


@contextmanager
def hold_lock(path: Path, refusal: Exception) -> Iterator[None]:
    """Keep other processes out until the end of the context, or of the process. Raises `refusal` where one is in it."""
    with open_locked(path, refusal):
        yield


def keep_lock(path: Path, refusal: Exception) -> None:
    """Keep other processes out until this one ends; again is no more than once. Raises `refusal` where one is in it."""
    if path.resolve() not in _kept:
        _kept[path.resolve()] = open_locked(path, refusal)


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock of a file; not where there is no file. Another user's counts as held."""
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    except FileNotFoundError:
        return False
    return False


def open_locked(path: Path, refusal: Exception) -> IO[bytes]:
    """Open a file to append to; keep others out until it is closed. Raises `refusal` where another has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise refusal from None
    return file
