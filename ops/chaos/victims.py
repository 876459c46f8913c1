"""The three processes of a run: each is kept running, and each can be killed with all that it started."""

from dataclasses import dataclass
from pathlib import Path

from ops.chaos.kept_processes import KeptProcesses, kill_family
from ops.stack import broker

JOB, BROKER, REPLAY = "job", "broker", "replay"
KINDS = (JOB, BROKER, REPLAY)


@dataclass(kw_only=True)
class Victims(KeptProcesses):
    """Broker, job and replay of one world."""

    folder: Path
    """The broker's."""
    address: str
    _broker: broker.Broker | None = None

    def look(self) -> None:
        """Start what does not run."""
        self.start_broker()
        super().look()

    def start_broker(self) -> None:
        """Start the broker, where it does not run, and return once it answers."""
        if self._broker is not None and self._broker.process.poll() is not None:
            self._broker = None
            self.count_restart(BROKER)
        if self._broker is None:
            self._broker = broker.start(self.folder, self.address)

    def kill(self, name: str) -> bool:
        """End a process and everything that it started, at once; return whether it ran until then."""
        if name != BROKER:
            return super().kill(name)
        if self._broker is None or not kill_family(self._broker.process):
            return False
        self._broker = None
        return True

    def end(self) -> None:
        """End all of them."""
        super().end()
        if self._broker is not None:
            self._broker.stop()
