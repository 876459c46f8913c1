"""Words to the user: rich in a terminal, plain lines elsewhere."""

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.panel import Panel
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


def summary(lines: Sequence[str], places: Mapping[str, object]) -> None:
    """Print what came of it, framed in a terminal, and where its files are."""
    if sys.stdout.isatty():
        Console().print(Panel("\n".join(lines), expand=False))
    else:
        say("\n".join(lines))
    table(places)


def columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under names: the first column to the left, the others, numbers, to the right."""
    if sys.stdout.isatty():
        grid = Table()
        for place, name in enumerate(names):
            grid.add_column(name, justify="right" if place else "left")
        for row in rows:
            grid.add_row(*row)
        Console().print(grid)
        return
    widths = [max(len(row[place]) for row in (names, *rows)) for place in range(len(names))]
    for row in (names, *rows):
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        say("  ".join(["", first.strip().ljust(widths[0]), *rest]))
