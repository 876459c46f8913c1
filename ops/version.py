"""The version of Playproof: written once, in pyproject.toml."""

import tomllib
from importlib import metadata

from runtime.resources import CHECKOUT

DISTRIBUTION = "playproof"


def version() -> str:
    """Return the version: that of pyproject.toml in a checkout, else the installed one."""
    if CHECKOUT is None:
        return metadata.version(DISTRIBUTION)
    return str(tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"])
