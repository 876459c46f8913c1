"""The three processes of a run: each is kept running, and each can be killed with all that it started."""

import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ops.stack import broker
from ops.stack.child_process import STOPS_WITHIN_S
from runtime.command_line import playproof

JOB, BROKER, REPLAY = "job", "broker", "replay"
LOOK_EVERY_S = 0.2


@dataclass(slots=True)
class Victims:
    """Broker, job and replay of one world. What ends by itself is started again, as a supervisor does."""

    folder: Path
    """The broker's."""
    address: str
    environment: Mapping[str, str]
    log: Path
    commands: Mapping[str, list[str]]
    """Arguments of `playproof` for job and replay."""
    restarts: dict[str, int] = field(default_factory=dict)
    """How often a process had ended by itself, by its name."""
    _broker: broker.Broker | None = None
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def keep_running(self, seconds: float) -> None:
        """Start what does not run, look at it for so long, and start again what ends."""
        until = time.monotonic() + seconds
        while True:
            self.start_broker()
            for name, command in self.commands.items():
                process = self._running.get(name)
                if process is None or process.poll() is not None:
                    if process is not None:
                        self.restarts[name] = self.restarts.get(name, 0) + 1
                    self._running[name] = self._start(command)
            if time.monotonic() >= until:
                return
            time.sleep(LOOK_EVERY_S)

    def start_broker(self) -> None:
        """Start the broker, where it does not run, and return once it answers."""
        if self._broker is None or self._broker.process.poll() is not None:
            self._broker = broker.start(self.folder, self.address)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                playproof(*command), env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """End a process and everything that it started, at once: nobody gets to tidy up."""
        if name == BROKER:
            if self._broker is not None:
                self._broker.kill()
            return
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
        if self._broker is not None:
            self._broker.stop()
