"""A command of ours as a child process, its output in a log; it never outlives the process that started it."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ops.errors import StackError
from ops.stack.logs import most_relevant_line

STOPS_WITHIN_S = 35.0
"""Every command of ours ends within 30 s of a SIGTERM; after this its whole group is killed."""
POLL_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A running command."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def require_alive(self) -> None:
        """Raise StackError, with the most relevant line of its log, if it has ended."""
        if self.process.poll() is not None:
            raise StackError(f"{self.name} ended too early: {most_relevant_line(self.log)}  (see {self.log})")

    def wait_for_message(self, message: str, within_s: float) -> None:
        """Return once a message is in its log. Raises StackError if it ends or time is up before."""
        until = time.monotonic() + within_s
        while message not in self.log.read_text(errors="replace"):
            self.require_alive()
            if time.monotonic() > until:
                raise StackError(f"{self.name} is not up after {within_s:g} s: see {self.log}")
            time.sleep(POLL_EVERY_S)

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
def running(name: str, command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[ChildProcess]:
    """Run a command for the length of a `with` block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        # a new session: Ctrl-C reaches us alone, and we stop our processes in order
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)
    child = ChildProcess(name, process, log)
    try:
        yield child
    finally:
        child.stop()


def run_to_end(command: list[str], environment: Mapping[str, str]) -> str:
    """Run a command and return what it printed. Raises StackError, with its last line, where it fails."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"{shlex.join(command)} failed: {last_line(done)}")
    return done.stdout


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line that a command that failed wrote, without the prefix of our own errors."""
    text = done.stderr.strip() or done.stdout.strip() or "no reason given"
    return text.splitlines()[-1].removeprefix("error: ")
