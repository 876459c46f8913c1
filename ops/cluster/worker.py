"""A worker of Spark on a machine of its own: its network, and a file system without anything of ours.

It has the system's programs, Java and the Python environment, read only, and its own empty folders for the rest: no
checkout, no data, no temporary folder of anybody else. What tasks need comes from the driver, Kafka and the storage.
"""

import importlib.util
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.chaos.kept_processes import kill_family
from ops.cluster.network import HUB, MASK, address_of, join, search_path
from ops.errors import StackError
from runtime.jvm import find_java

MASTER_PORT = 7077
MASTER = f"spark://{HUB}:{MASTER_PORT}"
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc")
READY, GO = "ready", "go"


def spark_home() -> Path:
    """Return the folder of the Spark that is in this Python environment. Raises StackError without one."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise StackError("pyspark is not installed in this Python: run  make setup")
    return Path(spec.origin).parent


def spark_class(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a daemon of Spark."""
    return [str(spark_home() / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments]


def spark_environment(address: str, keys: Mapping[str, str]) -> dict[str, str]:
    """Return all variables of a daemon of Spark: its address and Java, and keys of the storage."""
    return {
        "PATH": search_path(),
        "JAVA_HOME": str(find_java()),
        "SPARK_HOME": str(spark_home()),
        "SPARK_LOCAL_IP": address,
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        **keys,
    }


@dataclass(slots=True)
class Worker:
    """A worker with one core, on a machine that can be killed and set up anew."""

    number: int
    folder: Path
    """For the mount point of its file system and its log; both are the hub's."""
    keys: Mapping[str, str]
    memory: str = "1g"
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Set up a new machine, with empty folders, and start the worker there. Raises StackError."""
        root, address = self.folder / f"root-{self.number}", address_of(self.number)
        root.mkdir(parents=True, exist_ok=True)
        command = spark_class(
            "worker.Worker", "--host", address, "--cores", "1", "--memory", self.memory, "--work-dir", "/work", MASTER
        )
        script = machine_script(root, address, command, spark_environment(address, self.keys))
        with (self.folder / f"worker-{self.number}.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-euc", script],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env={"PATH": search_path()},
                start_new_session=True,
            )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != READY:
            raise StackError(f"worker {self.number} has no file system of its own: see {self.folder}")
        join(self.number, self._process.pid)
        self._process.stdin.write(f"{GO}\n")
        self._process.stdin.close()

    def files_in_common(self) -> list[str]:
        """List what its file system has of the hub's that can be written: nothing."""
        assert self._process is not None
        mounts = Path(f"/proc/{self._process.pid}/mountinfo").read_text().splitlines()
        fields = [line.split() for line in mounts]
        return [f"{field[3]} at {field[4]}" for field in fields if "rw" in field[5].split(",") and field[3] != "/"]

    def kill(self) -> bool:
        """End everything on the machine at once; return whether it ran until then. Its network and files go with it."""
        process, self._process = self._process, None
        return process is not None and kill_family(process)


def machine_script(root: Path, address: str, command: Iterable[str], environment: Mapping[str, str]) -> str:
    """Return the shell script that builds a machine around itself, waits to be joined to the network, and runs there.

    It runs in new namespaces of network and mounts. `root` is an empty folder.
    """
    lines = [f"root={shlex.quote(str(root))}", 'mount -t tmpfs -o mode=755 tmpfs "$root"']
    for name in SYSTEM:
        if Path(name).is_symlink():
            lines.append(f'ln -s {shlex.quote(str(Path(name).readlink()))} "$root"{name}')
        elif Path(name).is_dir():
            lines += _read_only(name)
    for folder in _environment_folders():
        lines += _read_only(folder)
    lines += [
        'mkdir -p "$root/dev" "$root/proc" "$root/tmp" "$root/work"',
        'mount --rbind /dev "$root/dev"',
        'mount -t tmpfs tmpfs "$root/dev/shm"',
        'mount -t proc proc "$root/proc"',
        f"echo {READY}",
        f'read -r answer; [ "$answer" = {GO} ]',
        f"ip link set lo up; ip addr add {address}/{MASK} dev eth0; ip link set eth0 up",
        f'cd "$root"; exec chroot "$root" env -i {shlex.join(f"{k}={v}" for k, v in environment.items())} '
        f"{shlex.join(command)} >&2",
    ]
    return "\n".join(lines)


def _read_only(folder: str) -> list[str]:
    inside = f'"$root"{shlex.quote(folder)}'
    return [
        f"mkdir -p {inside}",
        f"mount --rbind {shlex.quote(folder)} {inside}",
        f"mount -o remount,bind,ro {inside}",
    ]


def _environment_folders() -> list[str]:
    """List the folders of Python and Java that are not the system's."""
    folders = dict.fromkeys(map(str, (sys.prefix, sys.base_prefix, find_java().resolve())))
    return [folder for folder in folders if not any(Path(folder).is_relative_to(name) for name in SYSTEM)]
