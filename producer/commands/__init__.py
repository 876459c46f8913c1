"""The commands of `python -m ops` by area: what each is told, and nothing else.

A command imports what it needs when it runs: `status` must not load NumPy, the simulator and Kafka to say one line.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import typer

from runtime.settings import Settings

World = Annotated[str | None, typer.Option("--world", help="The world to work on; default PLAYPROOF_WORLD, or main.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class Command(NamedTuple):
    """A command's name, what it runs, and an example for its help page."""

    name: str
    run: Callable[..., Any]
    example: str


def settings_for(world: str | None) -> Settings:
    """Return the settings of the environment, with the world of the command line if one was given."""
    settings = Settings()
    return settings.model_copy(update={"world": world}) if world else settings
