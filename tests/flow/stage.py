"""One world on a broker of its own, and our commands run on it as a user would: processes, signals, exit codes."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psutil
from pydantic import SecretStr
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from ops.stack import child_process
from ops.stack.broker import running
from ops.stack.child_process import ChildProcess
from ops.stack.ports import free_port
from runtime.command_line import playproof
from runtime.settings import Settings
from runtime.world import World

WITHIN_S = 900.0
"""Far over what anything here takes on an idle machine: only a fault reaches it, not a busy neighbour."""
LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A world, the broker that serves it, and a folder for logs."""

    world: World
    address: str
    security: str = ""

    @property
    def settings(self) -> Settings:
        security = SecretStr(self.security)
        return Settings(data=self.world.root.parent, world=self.world.name, broker=self.address, security=security)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PLAYPROOF_DATA": str(self.world.root.parent),
            "PLAYPROOF_WORLD": self.world.name,
            "PLAYPROOF_BROKER": self.address,
            "PLAYPROOF_SECURITY": self.security,
            "PLAYPROOF_DOCKER": "0",
        }

    def run(self, *command: str) -> Done:
        """Run `playproof <command>` to its end."""
        done = subprocess.run(
            playproof(*command),
            env=self.environment, capture_output=True, text=True, check=False, timeout=WITHIN_S,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def finish(self, *command: str) -> str:
        """Run `playproof <command>`, which must succeed, and return what it printed."""
        done = self.run(*command)
        assert done.exit_code == 0, f"{command} ended with {done.exit_code}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, *command: str) -> Iterator[ChildProcess]:
        """Run `playproof <command>` for the length of a `with` block, output in `run/`."""
        log = self.world.root / "run" / f"{command[0]}.log"
        with child_process.running(" ".join(command), playproof(*command), self.environment, log) as process:
            yield process

    def audit(self) -> dict[str, Any]:
        """Return the audit's account, faults or not."""
        done = self.run("reconcile", "--json")
        assert done.stdout, f"the audit failed: {done.stderr}"
        account: dict[str, Any] = json.loads(done.stdout)
        return account

    def twin(self, name: str) -> "Stage":
        """Set up the same world in another folder of data, so that another job may read the same topics."""
        twin = World(self.world.root.parent / name / self.world.name)
        for part in ("raw", "static"):
            shutil.copytree(self.world.root / part, twin.root / part)
        shutil.copytree(self.world.unit.ledger, twin.unit.ledger)
        return Stage(twin, self.address)

    def moved(self, name: str) -> "Stage":
        """Move the world to another folder of data, next to that which it is in."""
        folder = self.world.root.parent.with_name(name)
        folder.mkdir()
        return Stage(World(self.world.root.rename(folder / self.world.name)), self.address)


@contextmanager
def on_a_broker(world: World) -> Iterator[Stage]:
    """Serve a world from a broker with all topics, empty, for the length of a `with` block."""
    with running(world.unit.broker, f"127.0.0.1:{free_port()}") as broker:
        stage = Stage(world, broker.address)
        stage.finish("topics")
        yield stage


def wait_until(
    condition: Callable[[], bool], what: str, alive: Sequence[ChildProcess] = (), every_s: float = LOOK_EVERY_S
) -> None:
    """Return once the condition holds, while all processes in `alive` run. Raises AssertionError when time is up."""

    def look() -> bool:
        for process in alive:
            process.require_alive()
        return condition()

    def give_up(_: object) -> bool:
        raise AssertionError(f"{what}: not within {WITHIN_S:g} s")

    Retrying(
        stop=stop_after_delay(WITHIN_S),
        wait=wait_fixed(every_s),
        retry=retry_if_result(lambda holds: not holds),
        retry_error_callback=give_up,
    )(look)


def family_of(pid: int) -> list[psutil.Process]:
    """List a process and all that it started, and they."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def kill_at_once(job: ChildProcess) -> None:
    """Kill a process and all that it started in the same moment: nobody gets to tidy up."""
    family = family_of(job.process.pid)
    for process in family:
        # a worker may end by itself as soon as its parent is gone
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    job.process.wait()
    psutil.wait_procs(family, timeout=30)
    assert still_alive(family) == []


def addresses_listened_on(processes: Sequence[psutil.Process]) -> set[str]:
    """Return the addresses, without ports, at which processes take connections; one that has ended takes none."""
    addresses = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            sockets = process.net_connections("inet")
            # Java has IPv4 addresses as IPv6 ones
            addresses |= {s.laddr.ip.removeprefix("::ffff:") for s in sockets if s.status == psutil.CONN_LISTEN}
    return addresses


def still_alive(processes: Sequence[psutil.Process]) -> list[int]:
    """Return the pids of those that run; one that has ended, and was not asked how, does not."""
    alive = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process.pid)
        except psutil.NoSuchProcess:
            continue
    return alive
