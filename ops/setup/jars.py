"""Fetch the jars of ivy.xml with the Ivy inside pyspark, and trust none whose SHA-256 is not in jars.sha256.

Ivy keeps what it has in a cache, so an interrupted or failed fetch goes on where it stopped; once the checked jars lie
in `jars/<configuration>/` nothing here uses the network again.
"""

import hashlib
import importlib.util
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_exponential

from ops.errors import SetupError
from runtime.jvm import BUNDLED_JRE, JARS, find_java
from runtime.resources import shipped

CONFIGURATIONS = ("connector", "broker")
STORAGE = "storage"
"""Configuration of the jars for checkpoints in a bucket; only who uses one fetches them."""
CHECKSUMS = shipped("jars.sha256")
ATTEMPTS = 4
CAUSES = ("Server access error", "download failed", "not found", "Exception")
"""What marks a line of Ivy's that names a cause, the telling ones first."""
TRUST_STORES = (Path("/etc/ssl/certs/java/cacerts"), Path("/etc/pki/java/cacerts"))
"""Where Debian and Fedora keep, for Java, the certificates that the machine's administrator trusts."""
_CHUNK = 1 << 20


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_checksums(text: str) -> dict[str, str]:
    """Read lines of `sha256sum` as name -> hash.

    >>> read_checksums("00ff  broker/kafka.jar")
    {'broker/kafka.jar': '00ff'}
    """
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return {name.strip().lstrip("*"): digest for digest, name in pairs}


def wanted(folder: Path) -> tuple[str, ...]:
    """Return the configurations that a folder has to have: that of buckets only if it was fetched."""
    return (*CONFIGURATIONS, STORAGE) if (folder / STORAGE).is_dir() else CONFIGURATIONS


def expected_jars(folder: Path, checksums: Path = CHECKSUMS, extra: tuple[str, ...] = ()) -> dict[str, str]:
    """Return name -> hash of the jars that a folder has to have; `extra`: those of further configurations too."""
    configurations = {*wanted(folder), *extra}
    listed = read_checksums(checksums.read_text())
    return {name: digest for name, digest in listed.items() if name.partition("/")[0] in configurations}


def faults(folder: Path, expected: Mapping[str, str]) -> dict[str, str]:
    """Return the faults of the jars in `folder`: name -> `missing`, `wrong checksum` or `not in jars.sha256`."""
    present = {f"{path.parent.name}/{path.name}": path for path in folder.glob("*/*.jar")}
    wrong = {}
    for name, digest in expected.items():
        if name not in present:
            wrong[name] = "missing"
        elif sha256(present[name]) != digest:
            wrong[name] = "wrong checksum"
    return wrong | dict.fromkeys(sorted(set(present) - set(expected)), "not in jars.sha256")


def fetch(folder: Path = JARS, checksums: Path = CHECKSUMS, extra: tuple[str, ...] = ()) -> int:
    """Bring the jars into `folder` and return how many were fetched: 0 where all are there, checked again.

    A configuration with a fault is fetched as a whole, the others stay. `extra`: further configurations. Raises
    SetupError where they cannot be had, or where one is not what was pinned.
    """
    expected = expected_jars(folder, checksums, extra)
    wrong = faults(folder, expected)
    if not wrong:
        return 0
    configurations = tuple(dict.fromkeys(name.partition("/")[0] for name in wrong))
    expected = {name: digest for name, digest in expected.items() if name.partition("/")[0] in configurations}
    for name, fault in wrong.items():
        if fault != "missing":
            (folder / name).unlink()
    staging, cache = folder / ".staging", folder / ".cache"
    shutil.rmtree(staging, ignore_errors=True)
    for configuration in configurations:
        _retrieve(configuration, staging, cache)
    wrong = faults(staging, expected)
    if wrong:
        # a jar that came damaged would stay in the cache
        shutil.rmtree(cache, ignore_errors=True)
        listed = "; ".join(f"{name}: {fault}" for name, fault in sorted(wrong.items())[:3])
        raise SetupError(
            f"{len(wrong)} jars are not what jars.sha256 pins ({listed}): run  playproof setup jars  again; if that "
            f"repeats, the source of the jars has changed: do not use it"
        )
    for configuration in configurations:
        shutil.rmtree(folder / configuration, ignore_errors=True)
        (staging / configuration).rename(folder / configuration)
    shutil.rmtree(staging)
    shutil.rmtree(cache)
    return len(expected)


def _retrieve(configuration: str, staging: Path, cache: Path) -> None:
    """Let Ivy resolve one configuration and copy its jars to `staging/<configuration>`."""
    home = find_java()
    command = [
        str(home / "bin" / "java"),
        *(trust_options() if home == BUNDLED_JRE else []),
        *("-jar", str(ivy_jar())),
        *("-cache", str(cache)),
        *("-ivy", str(shipped("ivy.xml"))),
        *("-confs", configuration),
        *("-retrieve", f"{staging}/{configuration}/[artifact]-[revision].[ext]"),
    ]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False)

    attempts = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(max=10),
        retry=retry_if_result(lambda done: done.returncode != 0),
    )
    try:
        attempts(run)
    except RetryError as error:
        raise SetupError(
            f"the {configuration} jars could not be fetched in {ATTEMPTS} attempts "
            f"({complaint(error.last_attempt.result().stdout)}): see to the network (JAVA_TOOL_OPTIONS takes a proxy's "
            f"settings) and run  playproof setup jars  again: it goes on from there"
        ) from None


def complaint(stderr: str) -> str:
    """Return what went wrong from what Ivy printed: a line that names a cause, or else the last one.

    >>> complaint("tried\\n\\tServer access error at url U (E: no route)\\nUSE VERBOSE\\n")
    'Server access error at url U (E: no route)'
    """
    lines = [line.strip(": \t") for line in stderr.splitlines() if line.strip(": \t")]
    causes = [line for word in CAUSES for line in lines if word in line]
    return [*causes, *lines[-1:], "it said nothing"][0][:300]


def trust_options() -> list[str]:
    """Let the bundled Java trust what the machine trusts: behind some companies' proxies nothing is fetched without."""
    return [f"-Djavax.net.ssl.trustStore={store}" for store in TRUST_STORES if store.exists()][:1]


def ivy_jar() -> Path:
    """Return the Ivy that pyspark ships. Raises SetupError without pyspark."""
    spec = importlib.util.find_spec("pyspark")
    ivy_jars = sorted(Path(spec.origin).parent.glob("jars/ivy-*.jar")) if spec and spec.origin else []
    if not ivy_jars:
        raise SetupError("pyspark and its Ivy are not installed in this Python: run  playproof setup jars")
    return ivy_jars[-1]
