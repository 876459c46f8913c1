"""Readings that take longer than a file stays: of whoever hands a list of files on, and does not know when it is read.

Each is a file in a folder of the version, dated when the reading began. Its process holds the file's lock, so what a
killed process left is no reading. Upkeep by any process of this machine sees them; by one of another machine it does
not.
"""

import math
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from runtime.errors import LakeError
from runtime.file_lock import hold_lock, is_held
from runtime.world import Unit

FOLDER = "reading"
_LAKE = Unit(Path()).lake.name


@contextmanager
def reading(version: Path, now: Callable[[], float] = time.time) -> Iterator[None]:
    """Keep the files that count when a `with` block begins until it ends: upkeep removes none of them.

    `version` is the folder of a version. Where there is none, or we may not write, nothing is kept: who only reads a
    copy, or another's world, is not to be refused.
    """
    with ExitStack() as until_the_end:
        if version.is_dir():
            with suppress(OSError):
                until_the_end.enter_context(_marker(version, now))
        yield


@contextmanager
def _marker(version: Path, now: Callable[[], float]) -> Iterator[None]:
    name = f"{os.getpid()}-{uuid.uuid4().hex}"
    hidden, file = (version / FOLDER / text for text in (f".{name}", name))
    with hold_lock(hidden, LakeError(f"{hidden} is locked by another program")):
        at = now()
        os.utime(hidden, (at, at))
        hidden.rename(file)  # it is locked before anybody sees it
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def reading_since(version: Path) -> float:
    """Return when the oldest reading that is not over began, in epoch seconds; infinity for none."""
    oldest = math.inf
    for file in (version / FOLDER).glob("[!.]*"):
        try:
            began_at = file.stat().st_mtime
        except FileNotFoundError:  # over
            continue
        if is_held(file):
            oldest = min(oldest, began_at)
        else:
            file.unlink(missing_ok=True)
    return oldest


def version_of(table: Path) -> Path:
    """Return the folder of the version whose lake a table is in; the table's own folder where it is in none.

    >>> version_of(Path("data/w/v1/lake/shadow/a-1")).as_posix()
    'data/w/v1'
    """
    return next((folder.parent for folder in table.parents if folder.name == _LAKE), table.parent)
