"""Where the files lie that Playproof runs on: shipped ones, in a checkout and in an installed wheel, and fetched ones.

Files of a package (templates, scenarios, models) lie in that package. Files of the checkout's top folder that a command
needs (`ivy.xml`, `supervisord.conf`, …) are installed below `share/playproof`; pyproject.toml lists them.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

CODE = Path(__file__).resolve().parents[1]
"""The folder that our packages are imported from: the checkout, or site-packages."""
CHECKOUT = CODE if (CODE / "pyproject.toml").is_file() and (CODE / "runtime").is_dir() else None
"""The checkout that this code runs from; None if it was installed."""
SHARED = Path("share") / "playproof"
PACKAGES = ("contracts", "models", "ops", "runtime", "spark_app")
"""What the job is made of."""


def shipped(name: str) -> Path:
    """Return the path of a file of the checkout's top folder, wherever it was installed to.

    Raises FileNotFoundError if it is in none of the places where pip puts such files.
    """
    folders = [CHECKOUT] if CHECKOUT else [Path(sys.prefix) / SHARED, CODE / SHARED, CODE.parents[2] / SHARED]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} is missing (expected in {folders[0]}): install playproof again")


def code_changed_at() -> float:
    """Return when a file of our code changed last, in epoch seconds; of an installed one, when it was installed."""
    return max(file.stat().st_mtime for package in PACKAGES for file in (CODE / package).rglob("*.py"))


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of fetched files (jars/, jre/): PLAYPROOF_HOME, else the checkout, else the user's cache."""
    if named := environment.get("PLAYPROOF_HOME"):
        return Path(named).resolve()
    if CHECKOUT:
        return CHECKOUT
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "playproof"
