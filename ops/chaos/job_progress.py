"""How far the job has read: a kill in the start of its JVM proves little, so one of them has to come later."""

import time

from contracts.domain import MUSIC
from ops.chaos.kept_processes import LOOK_EVERY_S, KeptProcesses
from ops.errors import StackError
from ops.stack.logs import most_relevant_line
from runtime.monitoring.progress import last_micro_batch
from runtime.world import Unit

READS_WITHIN_S = 600.0
"""Far over what the start of a job needs on an idle machine."""


def messages_read(unit: Unit) -> int:
    """Return how many messages of both topics the job has read in micro-batches that are done."""
    last = last_micro_batch(unit, MUSIC.session_table)
    return sum(sum(ends.values()) for ends in last.ends.values()) if last else 0


def keep_until_reading(processes: KeptProcesses, unit: Unit, read: int) -> None:
    """Keep the processes running until the job has read more than so many messages.

    Raises StackError where it has not within READS_WITHIN_S.
    """
    until = time.monotonic() + READS_WITHIN_S
    while messages_read(unit) <= read:
        if time.monotonic() >= until:
            raise StackError(
                f"the job has read no message within {READS_WITHIN_S:g} s: {most_relevant_line(processes.log)}  "
                f"(see {processes.log})"
            )
        processes.keep_running(LOOK_EVERY_S)
