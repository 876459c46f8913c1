"""What every command of `playproof` shares: its entry in the command line, and the options --world and --json.

A command module imports what a command needs only when it runs: `playproof status` loads neither NumPy nor Spark.
"""

import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from runtime.settings import PREFIX, Settings
from runtime.world import World

WorldName = Annotated[
    str | None, typer.Option("--world", help="The world to work on; default PLAYPROOF_WORLD, or main.")
]
MAX_SEED = 2**32 - 1
"""Of every --seed: some of what takes a seed takes 32 bits."""
OF_PARTS = (
    *("HOME", "RUN", "SOCKET", "PYTHON", "PLACE"),
    *("UNIT", "BROKER_PORT", "INSIDE_NETWORK", "UI_PORT", "TEST_SHOTS"),
)
"""Variables that only a part of the program reads, or docker-compose.yml, or the tests."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class Command(NamedTuple):
    """A command's name, the function that it runs, and an example for its help page."""

    name: str
    run: Callable[..., Any]
    example: str
    needs_jvm: bool = False
    """Whether Java and the jars must be there; the command line fetches them before its first run."""
    is_hidden: bool = False


def settings_for(world: str | None) -> Settings:
    """Return the settings of the environment, with the world of the command line if one was given.

    Raises SettingError for a value that cannot be used, such as a world's name with a slash.
    """
    return Settings() if world is None else Settings(world=world)


def seed_option(meaning: str) -> Any:
    """Return the option --seed: a whole number that every generator takes."""
    return typer.Option(min=0, max=MAX_SEED, help=meaning)


def existing_world(world: str | None) -> World:
    """Return a world that a command reads. Raises WorldError, with the names of those that exist, if it does not."""
    return settings_for(world).existing_world()


def unknown_variables(names: Iterable[str]) -> list[str]:
    """Say of each variable that looks like a setting, and is none, that it changes nothing.

    >>> unknown_variables(["PLAYPROOF_HASHKEY", "PLAYPROOF_DATA", "HOME"])
    ['PLAYPROOF_HASHKEY is no setting and changes nothing; did you mean PLAYPROOF_HASH_KEY?']
    """
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields] + [f"{PREFIX}{name}" for name in OF_PARTS]
    lines = []
    for name in sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in known):
        meant = get_close_matches(name.upper(), known, n=1, cutoff=0.8)
        lines.append(f"{name} is no setting and changes nothing" + "".join(f"; did you mean {each}?" for each in meant))
    return lines


def playproof(*arguments: str) -> list[str]:
    """Return the argument list that runs a command of ours as another process, its output unbuffered.

    >>> playproof("job", "run")[1:]
    ['-u', '-m', 'ops', 'job', 'run']
    """
    return [sys.executable, "-u", "-m", "ops", *arguments]


def log(line: str) -> None:
    """Print a line of progress on stderr: stdout is for the result."""
    print(line, file=sys.stderr, flush=True)


def short_path(path: Path) -> Path:
    """Return a path as short as it can be written from the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
