"""Say which step of a long study runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Give a function that says a step: one live line in a terminal, elsewhere a line on stderr for the log."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: typer.echo(step, err=True)
        return
    with console.status("starting") as status:
        yield status.update
