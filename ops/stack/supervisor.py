"""The supervisord of a world (`supervisord.conf`): start it, query it and stop it, over its socket."""

import hashlib
import os
import subprocess
import sys
import xmlrpc.client
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import psutil
from supervisor.xmlrpc import SupervisorTransport
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from ops.errors import StackError
from ops.stack.logs import most_relevant_line
from runtime.desk.settings import DeskSettings
from runtime.kafka.security import whole_path
from runtime.resources import shipped
from runtime.settings import PREFIX, Settings
from spark_app.scratch import private_folder

CONFIGURATION = "supervisord.conf"
KEYS_OF_A_BUCKET = "AWS_"
"""How the variables begin that say how to reach one."""
STARTS_WITHIN_S = 10.0
STOPS_WITHIN_S = 75.0
"""supervisord stops the job and then the broker, and gives each 30 s."""
UP_OR_COMING = ("RUNNING", "STARTING", "BACKOFF")
"""supervisord's states of a program that it keeps up, starts, or will start again in a moment."""


@dataclass(frozen=True, slots=True)
class Process:
    """One supervised program, as supervisord sees it."""

    name: str
    state: str
    pid: int
    up_s: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The supervisord of one world."""

    run: Path
    """`data/<world>/run`: logs and the pid file."""

    @property
    def socket(self) -> Path:
        """Return the socket's path: short, in a folder that only this user can read, different for each world."""
        name = hashlib.sha256(str(self.run).encode()).hexdigest()[:12]
        return private_folder() / f"{name}.sock"

    def log(self, program: str) -> Path:
        return self.run / f"{program}.log"

    def start(self, settings: Settings) -> None:
        """Start supervisord, its programs still stopped; nothing happens if it runs."""
        if self.pid() is not None:
            return
        self.run.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(shipped(CONFIGURATION))]
        done = subprocess.run(command, env=self._environment(settings), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            message = "".join((done.stderr or done.stdout).strip().splitlines()[-1:])
            raise StackError(f"supervisord did not start ({message}): see {self.log('supervisord')}")
        Retrying(stop=stop_after_delay(STARTS_WITHIN_S), wait=wait_fixed(0.05), retry=retry_if_result(_is_none))(
            self.pid
        )

    def _environment(self, settings: Settings) -> dict[str, str]:
        """Return the environment of the programs: this one's, with settings given on the command line put in."""
        return os.environ | {
            "PLAYPROOF_RUN": str(self.run),
            "PLAYPROOF_SOCKET": str(self.socket),
            "PLAYPROOF_PYTHON": sys.executable,
            "PLAYPROOF_WORLD": settings.world,
            "PLAYPROOF_DATA": str(settings.data.resolve()),
            "PLAYPROOF_BROKER": settings.broker,
            "PLAYPROOF_SECURITY": whole_path(settings.security.get_secret_value()),
        }

    def changes(self, settings: Settings, code_changed_at: float) -> list[str]:
        """Name what is another than when the running supervisord began: variables of the job, and Playproof itself.

        Its programs go on with what they began with, also those that it starts again.
        """
        pid = self.pid()
        if pid is None:
            return []
        try:
            before, began_at = psutil.Process(pid).environ(), psutil.Process(pid).create_time()
        except psutil.Error:
            return []
        now = self._environment(settings)
        of_the_job = Settings.model_fields.keys() - DeskSettings.model_fields.keys() - {"dash_port"}
        names = {f"{PREFIX}{field.upper()}" for field in of_the_job}
        names |= {name for name in {*before, *now} if settings.storage and name.startswith(KEYS_OF_A_BUCKET)}
        changed = sorted(name for name in names if before.get(name, "") != now.get(name, ""))
        return [*changed, *(["Playproof itself"] if code_changed_at > began_at else [])]

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)

    def pid(self) -> int | None:
        """Return the pid of the running supervisord; None if it does not run."""
        try:
            return cast(int, self._call("getPID"))
        except (OSError, xmlrpc.client.Error):
            return None

    def processes(self) -> list[Process]:
        """List the programs with their states; none if supervisord does not run."""
        if self.pid() is None:
            return []
        return [
            Process(p["name"], p["statename"], p["pid"], p["now"] - p["start"] if p["pid"] else 0)
            for p in self._call("getAllProcessInfo")
        ]

    def state(self, program: str) -> str:
        return self._process(program).state

    def _process(self, program: str) -> Process:
        return next((p for p in self.processes() if p.name == program), Process(program, "STOPPED", 0, 0))

    def begin(self, program: str) -> None:
        """Start a program that is not up or coming, and do not wait for it."""
        if self.state(program) not in UP_OR_COMING:
            self._call("startProcess", program, False)

    def launch(self, program: str, within_s: float, ready_message: str = "") -> None:
        """Start a program and return once it has stayed up for its `startsecs` and `ready_message` is in its log.

        Raises StackError if it ends before, or takes longer. A program that ends at its first start is not tried
        again: that is for one that was up and crashed.
        """
        if self.state(program) == "RUNNING":
            return
        log_bytes = _size(self.log(program))
        self.begin(program)

        def is_pending(state: str) -> bool:
            is_ready = state == "RUNNING" and _has_message(self.log(program), ready_message, log_bytes)
            return state in ("STARTING", "RUNNING") and not is_ready

        wait = Retrying(
            stop=stop_after_delay(within_s),
            wait=wait_fixed(0.2),
            retry=retry_if_result(is_pending),
            retry_error_callback=lambda last: "PENDING",
        )
        pids: set[int] = set()

        def look() -> str:
            process = self._process(program)
            pids.update([process.pid] if process.pid else [])
            # another pid: it ended after its startsecs, and was started again
            return process.state if len(pids) < 2 else "EXITED"

        state = wait(look)
        if state == "PENDING":
            raise StackError(f"{program} is not up after {within_s:g} s: see {self.log(program)}")
        if state != "RUNNING":
            if self.state(program) in UP_OR_COMING:
                self._call("stopProcess", program)
            log = self.log(program)
            raise StackError(f"{program} did not start: {most_relevant_line(log)}  (see {log})")

    def stop(self) -> bool:
        """Stop every program and supervisord, and return whether it ran; no process of theirs is left behind."""
        pid = self.pid()
        if pid is None:
            return False
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        self._call("shutdown")
        _, alive = psutil.wait_procs(family, timeout=STOPS_WITHIN_S)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive)
        return True


def _is_none(value: object) -> bool:
    return value is None


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _has_message(log: Path, message: str, after: int) -> bool:
    """Return whether a log has a message after its first `after` bytes, or anywhere if it was rotated since."""
    if not message:
        return True
    with log.open("rb") as file:
        file.seek(after if after <= _size(log) else 0)
        return message.encode() in file.read()
