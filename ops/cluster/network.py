"""A network of its own for a command: machines with an address each, and no way out.

The command runs again below `unshare`, with its own network, mounts and processes: the hub, which has storage, brokers,
Spark's master and the driver. Each worker has a further network of its own. What listens here cannot be reached from
outside. All processes end with the command, and networks and mounts with them.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

from ops.errors import StackError
from ops.stack.child_process import STOPS_WITHIN_S
from runtime.command_line import playproof

HUB = "10.77.0.1"
BRIDGE = "hub0"
MASK = 24
NEEDED = ("unshare", "setpriv", "ip", "mount", "chroot")
"""Of util-linux, iproute2 and coreutils."""
_INSIDE = "PLAYPROOF_INSIDE_NETWORK"


def is_inside() -> bool:
    """Return whether this process is in such a network."""
    return os.environ.get(_INSIDE) == str(os.getppid())


def enter(arguments: Sequence[str]) -> NoReturn:
    """Run `playproof ARGUMENTS` in a network of its own, and exit as it does. Raises StackError where that is refused.

    Nothing of it is left when this process ends, even where it is killed.
    """
    unshared = [*_unshare(), "--pid", "--fork", "--kill-child", "--mount-proc", *playproof(*arguments)]
    setpriv = str(shutil.which("setpriv", path=search_path()))
    # in the new process table, what unshare starts has number 1, and no parent that it could see
    sys.exit(run_below([setpriv, "--pdeathsig", "KILL", *unshared], os.environ | {_INSIDE: "0"}))


def run_below(unshared: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command below `unshare`, and return its exit code. What ends this process ends the command first.

    `unshare` itself ignores SIGTERM and SIGINT, and hands on neither: its group is told.
    """
    process = subprocess.Popen(unshared, env=environment, start_new_session=True)
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _unshare() -> list[str]:
    missing = [tool for tool in NEEDED if shutil.which(tool, path=search_path()) is None]
    if sys.platform != "linux" or missing:
        lacks = f"this machine has no {', '.join(missing)}" if missing else "this is no Linux"
        raise StackError(f"a cluster needs network namespaces, and {lacks}: install util-linux and iproute2 on a Linux")
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    unshare = [str(shutil.which("unshare", path=search_path())), *as_root, "--net", "--mount"]
    done = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(
            f"a cluster needs namespaces of its own, and this system refuses them ({done.stderr.strip()}): run it as "
            "root, or where unprivileged user namespaces are allowed"
        )
    return unshare


def search_path() -> str:
    """Return where programs are looked for: those of the system's administrator too."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def call(*command: str) -> None:
    """Run a program of the system. Raises StackError with what it said where it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PATH": search_path()}
    )
    if done.returncode:
        raise StackError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")


def build_hub() -> None:
    """Give the hub its address, on a bridge that workers are joined to."""
    call("ip", "link", "set", "lo", "up")
    call("ip", "link", "add", BRIDGE, "type", "bridge")
    call("ip", "addr", "add", f"{HUB}/{MASK}", "dev", BRIDGE)
    call("ip", "link", "set", BRIDGE, "up")


def address_of(number: int) -> str:
    """Return the address of a worker.

    >>> address_of(1)
    '10.77.0.11'
    """
    return f"10.77.0.{10 + number}"


def join(number: int, pid: int) -> None:
    """Join the network that a process is in to the hub's: there, the interface `eth0`; its side is not up yet."""
    with suppress(StackError):  # that of a machine that was killed is there until the system has tidied up
        call("ip", "link", "del", f"worker{number}")
    call("ip", "link", "add", f"worker{number}", "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    call("ip", "link", "set", f"worker{number}", "master", BRIDGE, "up")
