"""Reports on the console: a heading with the local time, then a small table."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

ROWS_SHOWN = 20


def local_time(moment: datetime, zone: str, pattern: str = "%H:%M:%S %Z") -> str:
    """Format a moment in the display zone; a naive one is in the zone of this machine, as Spark collects it.

    >>> local_time(datetime.fromisoformat("2025-03-03T00:00:00Z"), "Australia/Melbourne")
    '11:00:00 AEDT'
    """
    return moment.astimezone(ZoneInfo(zone)).strftime(pattern)


def table(heading: str, names: Sequence[str], rows: Sequence[Sequence[object]], rows_shown: int = ROWS_SHOWN) -> str:
    """Format rows under column names; numbers to the right, text to the left.

    >>> print(table("two", ["n", "word"], [[10, "a"], [5, "bc"]]))
    two
       n  word
      10  a
       5  bc
    """
    cells = [[f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in rows[:rows_shown]]
    is_number = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(names))]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(names)]

    def line(row: Sequence[str]) -> str:
        padded = (c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, is_number, strict=True))
        return ("  " + "  ".join(padded)).rstrip()

    return "\n".join([heading, line(names), *map(line, cells)])
