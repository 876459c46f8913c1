"""Words to the user: rich in a terminal, plain lines elsewhere."""

import sys
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table


def say(line: str) -> None:
    """Print one line at once."""
    print(line, flush=True)


def table(rows: Mapping[str, object]) -> None:
    """Print name and value, one pair a line."""
    if not rows:
        return
    if sys.stdout.isatty():
        grid = Table(show_header=False, box=None, pad_edge=True)
        grid.add_column(style="bold")
        grid.add_column()
        for name, value in rows.items():
            grid.add_row(name, str(value))
        Console().print(grid)
        return
    width = max(map(len, rows))
    for name, value in rows.items():
        say(f"  {name:<{width}}  {value}")
