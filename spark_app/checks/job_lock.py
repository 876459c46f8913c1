"""One job at a time on a world: two would write the same micro-batches, and each would end the other."""

from contextlib import AbstractContextManager

from runtime.file_lock import hold_lock
from runtime.world import World
from spark_app.errors import JobError

FILE = "job.lock"


def hold(world: World) -> AbstractContextManager[None]:
    """Keep other jobs from the world's version until the end of the context, or of the process. Raises JobError."""
    refusal = f"another job is at work on world {world.name}: watch it with  playproof status,  or stop it first"
    return hold_lock(world.unit.root / FILE, JobError(refusal))
