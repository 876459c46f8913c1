"""The wheel holds all that the commands need: built, installed into an empty folder, and run without the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.version import version
from runtime.resources import CODE

PACKAGES = ("contracts", "runtime", "ops", "producer", "spark_app", "models", "consumer_viz")
SHARED = ("ivy.xml", "jars.sha256", "supervisord.conf", "docker-compose.yml", "deploy/job.py")
NOT_SHIPPED = ("contracts/golden/",)
"""Samples that tests compare with."""
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@dataclass(frozen=True, slots=True)
class Installed:
    """Playproof in a folder, and an empty folder to work in."""

    wheel: Path
    site: Path
    work: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command where neither the checkout nor its data can be found but by mistake."""
        environment = os.environ | {
            "PYTHONPATH": str(self.site),
            "PYTHONSAFEPATH": "1",
            "PLAYPROOF_HOME": str(CODE),  # the jars of the checkout
        }
        return subprocess.run(command, cwd=self.work, env=environment, capture_output=True, text=True, check=False)

    def playproof(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(self.site / "bin" / "playproof"), *arguments)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # a copy, so that the build leaves nothing behind in the checkout
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    source.mkdir()
    for name in PACKAGES:
        shutil.copytree(CODE / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", *SHARED):
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(CODE / name, source / name)
    build = [
        *PIP,
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(folder),
        str(source),
    ]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("*.whl")
    site, work = folder / "site", folder / "empty"
    install = [*PIP, "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True)
    shutil.rmtree(source)
    work.mkdir()
    return Installed(wheel, site, work)


def test_every_file_of_a_package_is_in_the_wheel(installed: Installed) -> None:
    tracked = subprocess.run(["git", "ls-files", *PACKAGES], cwd=CODE, capture_output=True, text=True, check=True)
    ours = {name for name in tracked.stdout.split() if not name.startswith(NOT_SHIPPED) and (CODE / name).exists()}
    with zipfile.ZipFile(installed.wheel) as wheel:
        assert ours - set(wheel.namelist()) == set()


def test_the_command_says_its_version(installed: Installed) -> None:
    assert installed.playproof("--version").stdout == f"playproof {version()}\n"


def test_code_and_shipped_files_are_the_installed_ones(installed: Installed) -> None:
    script = (
        "import contracts, runtime, ops, producer, spark_app, models, consumer_viz\n"
        "from runtime import resources\n"
        "print(resources.CHECKOUT)\n"
        "for module in (contracts, runtime, ops, producer, spark_app, models, consumer_viz): print(module.__file__)\n"
        f"for name in {SHARED}: print(resources.shipped(name))\n"
    )
    checkout, *paths = installed.run(sys.executable, "-c", script).stdout.splitlines()
    assert checkout == "None"
    assert len(paths) == len(PACKAGES) + len(SHARED)
    assert [path for path in paths if not path.startswith(f"{installed.site}{os.sep}")] == []


def test_the_doctor_finds_jars_and_packages(installed: Installed) -> None:
    lines = installed.playproof("doctor").stdout.splitlines()
    states = {name: state for state, name, *_ in map(str.split, lines)}
    assert states["jars"] == states["packages"] == "ok"


def test_a_world_can_be_simulated_into_the_folder_where_the_user_works(installed: Installed) -> None:
    size = ("--users", "50", "--days", "1", "--prevalence", "0")
    done = installed.playproof("simulate", "--world", "w", *size)
    assert done.returncode == 0, done.stderr
    assert (installed.work / "data" / "w" / "raw" / "plays").is_dir()


def test_the_shipped_model_is_verified(installed: Installed) -> None:
    done = installed.playproof("model", "verify")
    assert done.returncode == 0, done.stderr
    assert "verified" in done.stdout


def test_executors_are_sent_the_installed_code(installed: Installed) -> None:
    script = (
        "import zipfile\n"
        "from types import SimpleNamespace\n"
        "from spark_app.session import ship_code\n"
        "def send(archive): print(*zipfile.ZipFile(archive).namelist(), sep='\\n')\n"
        "ship_code(SimpleNamespace(sparkContext=SimpleNamespace(addPyFile=send)))\n"
    )
    done = installed.run(sys.executable, "-c", script)
    assert done.returncode == 0, done.stderr
    assert {"spark_app/pipeline.py", "contracts/events.py", "models/registry/roles.py"} <= set(done.stdout.split())
