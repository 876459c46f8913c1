"""A command of ours as a process of its own, with its output in a log, that never outlives the one who started it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ops.errors import StackError
from ops.stack.logs import telling_line

STOPS_WITHIN_S = 35.0
"""Every command of ours ends within 30 s of a SIGTERM; after this its whole group is killed."""
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Child:
    """A running command."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def require_alive(self) -> None:
        """Raise StackError, with the last thing it said, if it has ended."""
        if self.process.poll() is not None:
            raise StackError(f"{self.name} ended too early: {telling_line(self.log)}  (see {self.log})")

    def wait_for_word(self, word: str, within_s: float) -> None:
        """Return once its log has `word` in it. Raises StackError if it ends or time is up before."""
        until = time.monotonic() + within_s
        while word not in self.log.read_text(errors="replace"):
            self.require_alive()
            if time.monotonic() > until:
                raise StackError(f"{self.name} is not up after {within_s:g} s: see {self.log}")
            time.sleep(LOOK_EVERY_S)

    def stop(self) -> None:
        """Ask it to end, wait, and kill what is left of its group."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def running(name: str, command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[Child]:
    """Run a command for the length of a `with` block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        # a session of its own: Ctrl-C reaches us alone, and we stop our processes in order
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)
    child = Child(name, process, log)
    try:
        yield child
    finally:
        child.stop()
