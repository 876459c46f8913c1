"""Check, one by one, what Playproof needs on this machine: whether it is there, and what to do where it is not."""

import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import psutil

from ops.setup.jars import CHECKSUMS, expected_jars, faults
from ops.stack import compose, ports
from ops.version import DISTRIBUTION
from runtime import resources
from runtime.errors import AccessError, BrokerError, SecuritySettingError
from runtime.jvm import JARS, JvmError, find_java, java_version
from runtime.kafka.access import answers
from runtime.kafka.security import PLAINTEXT
from runtime.settings import Settings

LOCK = "requirements.lock"
PYTHON_NEEDED = (3, 11)
MEMORY_NEEDED_GB = 4.0
"""3 GB for the Spark job and 0.5 GB for the broker (their heap limits), the rest for the replay and the plot."""
SPARK_UI_PORT = 4040


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `cure` is empty where all is well; what is not needed can be missing without harm."""

    name: str
    is_ok: bool
    found: str
    cure: str = ""
    is_needed: bool = True

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def line(self) -> str:
        """Return the finding in one line, as `missing  Java   found none -> run  playproof setup jars`."""
        state = "ok" if self.is_ok else ("missing" if self.is_needed else "note")
        return f"{state:<8} {self.name:<9} {self.found}" + (f"  ->  {self.cure}" if self.cure else "")


def python(now: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Check the version of Python."""
    is_ok = now >= PYTHON_NEEDED
    found = ".".join(map(str, now))
    return Finding("Python", is_ok, found, "" if is_ok else "install Python 3.11 or later, then  playproof setup jars")


def java() -> Finding:
    """Check for Java 17 or 21."""
    try:
        home = find_java()
    except JvmError as error:
        return Finding("Java", False, str(error).partition(":")[0], "run  playproof setup jars  (it brings one)")
    return Finding("Java", True, f"{java_version(home)} in {home}")


def memory(available: int | None = None) -> Finding:
    """Check the memory that is free or can be freed, in bytes."""
    gb = (psutil.virtual_memory().available if available is None else available) / 1e9
    is_ok = gb >= MEMORY_NEEDED_GB
    cure = "" if is_ok else f"close programs until {MEMORY_NEEDED_GB:g} GB are free"
    return Finding("memory", is_ok, f"{gb:.1f} GB free", cure)


def installed_jars(folder: Path = JARS, checksums: Path = CHECKSUMS) -> Finding:
    """Check every jar against jars.sha256."""
    expected = expected_jars(folder, checksums)
    wrong = faults(folder, expected)
    if not wrong:
        return Finding("jars", True, f"{len(expected)}, checksums as pinned")
    name, fault = next(iter(wrong.items()))
    return Finding(
        "jars", False, f"{len(wrong)} of {len(expected)} wrong ({name}: {fault})", "run  playproof setup jars"
    )


def packages(lock: Path) -> Finding:
    """Compare the installed packages with the lock."""
    # a pin with a marker (";") is for some machines only
    pins = re.findall(r"^(\S+)==(\S+)(?: \\)?$", lock.read_text(), re.MULTILINE)
    wrong = [
        f"{name} is {found or 'missing'}, expected {pin}" for name, pin in pins if (found := _version(name)) != pin
    ]
    if not wrong:
        return Finding("packages", True, f"{len(pins)}, versions as locked")
    return Finding(
        "packages", False, f"{len(wrong)} differ ({wrong[0]})", "run  .venv/bin/python ops/setup/bootstrap.py"
    )


def requirements() -> Finding:
    """Check, where Playproof was installed by pip, that what it requires is there."""
    needed = [re.split(r"[^\w.-]", line)[0] for line in requires(DISTRIBUTION) or () if ";" not in line]
    missing = [name for name in needed if _version(name) is None]
    if not missing:
        return Finding("packages", True, f"{len(needed)} that {DISTRIBUTION} requires, all there")
    return Finding("packages", False, f"{', '.join(missing)} missing", f"run  pip install {' '.join(missing)}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def broker(settings: Settings) -> Finding:
    """Check whether a broker answers and lets us in, or else whether one could be started there."""
    address = settings.broker
    try:
        kafka = settings.kafka()
        if answers(kafka):
            return Finding("broker", True, f"answers at {address}")
    except (SecuritySettingError, AccessError) as error:
        return Finding("broker", False, str(error))
    if kafka.security != PLAINTEXT:
        return Finding("broker", False, f"none at {address}", "start yours: PLAYPROOF_SECURITY is set")
    try:
        ports.require_free(ports.loopback_port(address))
    except BrokerError as error:
        found, _, cure = str(error).partition(": ")
        return Finding("broker", False, found, cure)
    return Finding("broker", False, f"none at {address}, the port is free", "run  playproof up", is_needed=False)


def spark_pages() -> Finding:
    """Check the port of Spark's own pages; Spark takes the next one where it is taken."""
    if ports.is_free(SPARK_UI_PORT):
        return Finding("ports", True, f"{SPARK_UI_PORT} is free for Spark's own pages")
    held = ports.owner(SPARK_UI_PORT) or "another process"
    return Finding("ports", True, f"{SPARK_UI_PORT} is held by {held}; Spark's own pages take the next free port")


def docker(is_wanted: bool) -> Finding:
    """Report which way `playproof up` will go."""
    if not is_wanted:
        return Finding("Docker", True, "not used (PLAYPROOF_DOCKER=0): the embedded broker")
    if compose.is_usable():
        return Finding("Docker", True, "an engine answers: playproof up uses Compose")
    return Finding("Docker", True, "no engine with Compose answers, none is needed: the embedded broker")


def examine(settings: Settings) -> list[Finding]:
    """Run every check."""
    checks: list[Callable[[], Finding]] = [
        python,
        java,
        memory,
        partial(packages, resources.CHECKOUT / LOCK) if resources.CHECKOUT else requirements,
        installed_jars,
        spark_pages,
        lambda: docker(settings.docker),
        lambda: broker(settings),
    ]
    return [check() for check in checks]


def is_healthy(findings: list[Finding]) -> bool:
    """Return whether nothing that is needed is missing."""
    return all(finding.is_ok or not finding.is_needed for finding in findings)
