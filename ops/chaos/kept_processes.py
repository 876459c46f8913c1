"""Commands that are kept running, and can be killed with all that they started."""

import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from ops.stack.child_process import STOPS_WITHIN_S
from runtime.command_line import playproof

LOOK_EVERY_S = 0.2


def kill_family(process: subprocess.Popen[Any]) -> bool:
    """End a process and everything that it started, at once; return whether it ran until then.

    Nobody gets to tidy up.
    """
    if process.poll() is not None:  # its number may be another's by now
        return False
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        for each in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                each.kill()
    return process.wait() == -signal.SIGKILL


@dataclass
class KeptProcesses:
    """Commands of one world. What ends by itself is started again, as a supervisor does."""

    environment: Mapping[str, str]
    log: Path
    commands: Mapping[str, list[str]]
    """Arguments of `playproof` by the name of a process."""
    restarts: dict[str, int] = field(default_factory=dict)
    """How often a process had ended by an error, by its name; a replay that came to its end has not."""
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def keep_running(self, seconds: float) -> None:
        """Start what does not run, look at it for so long, and start again what ends."""
        until = time.monotonic() + seconds
        while True:
            self.look()
            if time.monotonic() >= until:
                return
            time.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Start what does not run."""
        for name, command in self.commands.items():
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                if process is not None and process.returncode:
                    self.count_restart(name)
                self._running[name] = self._start(command)

    def count_restart(self, name: str) -> None:
        """Count a process that is started again since an error ended it."""
        self.restarts[name] = self.restarts.get(name, 0) + 1

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                playproof(*command), env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> bool:
        """End a process and everything that it started, at once; return whether it ran until then."""
        process = self._running.get(name)
        if process is None or not kill_family(process):
            return False  # one that ended by itself is left for `look` to count
        del self._running[name]
        return True

    def stop(self, *names: str) -> None:
        """Ask processes to end, and kill those that do not."""
        for name in names:
            process = self._running.pop(name, None)
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                kill_family(process)

    def end(self) -> None:
        """End all of them."""
        self.stop(*self._running)
