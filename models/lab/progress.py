"""Report which step of a long study runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

ReportProgress = Callable[[str], None]
"""Called with a text for each step."""


@contextmanager
def progress_reporter() -> Iterator[ReportProgress]:
    """Yield a function that reports a step: one live line in a terminal, elsewhere one line per step on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: typer.echo(step, err=True)
        return
    with console.status("starting") as status:
        yield status.update
