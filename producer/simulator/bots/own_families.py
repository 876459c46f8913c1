"""Bot families of the user's own: Python files in a folder, each with a class in the form of `bots/family.BotFamily`.

A file is code, and it is run: give only a folder whose files you have read.
"""

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from contracts.labels import FAMILIES, SERVICE, Family
from producer.errors import ProducerError
from producer.simulator.bots import BOTS, FAMILY_NAMES
from producer.simulator.bots.family import BotFamily

NEEDED = ("name", "accounts", "keeps_cover", "params", "campaigns_needed", "order", "run")


class FamilyError(ProducerError):
    """A file holds no bot family that can be used; the message names the file and what it lacks."""


def load_families(folder: Path) -> tuple[str, ...]:
    """Run the files of a folder and register their families; return their names. Raises FamilyError."""
    files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    if not files:
        raise FamilyError(f"{folder}: no Python file in it, expected one for each family, as producer/simulator/bots/")
    return tuple(_register(bot, path) for path in files for bot in _bots_of(path))


def _bots_of(path: Path) -> list[BotFamily]:
    module = _run(path)
    classes = [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]
    lacking = {one.__name__: [name for name in NEEDED if not hasattr(one, name)] for one in classes}
    bots: list[Any] = [one for one in classes if not lacking[one.__name__]]
    if not bots:
        reasons = "; ".join(f"class {name} lacks {', '.join(parts)}" for name, parts in lacking.items())
        raise FamilyError(f"{path.name}: no bot family in it: {reasons or 'it has no class'}")
    return [bot() for bot in bots]


def _run(path: Path) -> ModuleType:
    name = f"playproof_family_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's code raises
        raise FamilyError(f"{path.name} cannot be run: {type(error).__name__}: {error}") from None
    return module


def _register(bot: BotFamily, path: Path) -> str:
    known = BOTS.get(bot.name)
    if known is not None and type(known).__module__ != type(bot).__module__:
        raise FamilyError(f"{path.name}: a family named {bot.name} ships already: choose another name")
    if known is None:
        FAMILY_NAMES.append(bot.name)
    BOTS[bot.name] = bot
    meaning = (inspect.getdoc(sys.modules[type(bot).__module__]) or bot.name).splitlines()[0]
    FAMILIES.setdefault(bot.name, Family(bot.name, meaning, (SERVICE,)))
    return bot.name
