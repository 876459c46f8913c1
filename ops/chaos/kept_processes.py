"""Commands that are kept running, and can be killed with all that they started."""

import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ops.stack.child_process import STOPS_WITHIN_S
from runtime.command_line import playproof

LOOK_EVERY_S = 0.2


@dataclass
class KeptProcesses:
    """Commands of one world. What ends by itself is started again, as a supervisor does."""

    environment: Mapping[str, str]
    log: Path
    commands: Mapping[str, list[str]]
    """Arguments of `playproof` by the name of a process."""
    restarts: dict[str, int] = field(default_factory=dict)
    """How often a process had ended by itself, by its name."""
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
                if process is not None:
                    self.restarts[name] = self.restarts.get(name, 0) + 1
                self._running[name] = self._start(command)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                playproof(*command), env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """End a process and everything that it started, at once: nobody gets to tidy up."""
        process = self._running.pop(name, None)
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            for each in [parent, *parent.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        process.wait()

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
                self._running[name] = process
                self.kill(name)

    def end(self) -> None:
        """End all of them."""
        self.stop(*self._running)
