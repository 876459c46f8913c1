"""A lock that processes of one machine hold by a file; the system lets it go when its process ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold_lock(path: Path, refusal: Exception) -> Iterator[None]:
    """Keep other processes out until the end of the context, or of the process. Raises `refusal` where one is in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal from None
        yield
