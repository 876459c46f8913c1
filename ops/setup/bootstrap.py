"""Make `.venv` with the locked packages and the command `playproof`: the first thing that `make setup` runs.

It runs with whatever `python3` there is: standard library only, and in syntax that an old Python can read, so that it
can say that it is too old.
"""

import subprocess
import sys
from pathlib import Path
from typing import List  # noqa: UP035

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED = (3, 11)
LOCKED_PIP = ["--require-hashes", "--requirement", str(ROOT / "ops" / "setup" / "pip.lock")]
INSTALL = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def succeeds(command: List[str], quiet: bool = False) -> bool:  # noqa: UP006
    """Run a command and say whether it exited with 0."""
    where = subprocess.DEVNULL if quiet else None
    return subprocess.call(command, stdout=where, stderr=where) == 0


def make_environment() -> None:
    """Make a virtual environment with pip. Debian keeps the pip part of `venv` in a separate package."""
    if PYTHON.exists() and succeeds([str(PYTHON), "-m", "pip", "--version"], quiet=True):
        return
    if succeeds([sys.executable, "-m", "venv", "--clear", str(VENV)], quiet=True):
        return
    bare = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)]
    pip_into_it = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", *LOCKED_PIP]
    if not (succeeds(bare, quiet=True) and succeeds(pip_into_it, quiet=True)):
        sys.exit(
            "no virtual environment can be made, since this Python has neither ensurepip nor pip: run  "
            "apt-get install python3-venv  (Debian, Ubuntu), then  make setup  again"
        )


def install_packages() -> None:
    """Bring the environment in line with the lock, whose hashes pip checks.

    pip keeps what it fetched, so a second try goes on from there.
    """
    # pyspark is a source package: old pips would build it in a way that newer ones have given up, and warn
    lock = [*INSTALL, "--use-pep517", "--require-hashes", "--requirement", str(ROOT / "requirements.lock")]
    if not any(succeeds(lock) for _ in range(3)):
        sys.exit("the packages of requirements.lock could not be installed: see the lines above, then  make setup")


def install_command() -> None:
    """Install the command `playproof`, which runs the code of this checkout as it is: nothing is copied."""
    for former in VENV.glob("lib/python3*/site-packages/playproof.pth"):
        former.unlink()
    if not succeeds([*INSTALL, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]):
        sys.exit("the command playproof could not be installed: see the lines above, then  make setup")


def main() -> None:
    """Do the three steps, each harmless when done already."""
    if sys.version_info < NEEDED:
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"Python 3.11 or later is needed, this is {version}: install one, then  make setup PYTHON=python3.11")
    make_environment()
    install_packages()
    install_command()


if __name__ == "__main__":
    main()
