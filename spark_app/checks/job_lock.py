"""One job at a time on a world: two would write the same micro-batches, and each would end the other."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.world import World
from spark_app.errors import JobError

FILE = "job.lock"


@contextmanager
def hold(world: World) -> Iterator[None]:
    """Keep other jobs from the world's version until the end of the context, or of the process. Raises JobError."""
    world.unit.root.mkdir(parents=True, exist_ok=True)
    with (world.unit.root / FILE).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JobError(
                f"another job is at work on world {world.name}: watch it with  playproof status,  or stop it first"
            ) from None
        yield
