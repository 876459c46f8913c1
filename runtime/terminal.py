"""Print for a person: rich in a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

ReportProgress = Callable[[str], None]
"""What long work calls with a line for the user, as `print_line`."""


def error_console() -> Console:
    """Return a console on stderr, for progress: stdout is for the result."""
    return Console(stderr=True)


def print_line(line: str) -> None:
    """Print one line at once."""
    print(line, flush=True)


def print_fields(rows: Mapping[str, object]) -> None:
    """Print names and values, one pair per line."""
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
        print_line(f"  {name:<{width}}  {value}")


def print_summary(lines: Sequence[str], files: Mapping[str, object]) -> None:
    """Print the lines, framed in a terminal, and below them the files by name."""
    if sys.stdout.isatty():
        Console().print(Panel("\n".join(lines), expand=False))
    else:
        print_line("\n".join(lines))
    print_fields(files)


def print_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under names: the first column to the left, the others, numbers, to the right."""
    if sys.stdout.isatty():
        grid = Table()
        for i, name in enumerate(names):
            grid.add_column(name, justify="right" if i else "left")
        for row in rows:
            grid.add_row(*row)
        Console().print(grid)
        return
    widths = [max(len(row[i]) for row in (names, *rows)) for i in range(len(names))]
    for row in (names, *rows):
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        print_line("  ".join(["", first.strip().ljust(widths[0]), *rest]))
