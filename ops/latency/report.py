"""Format the figures of `playproof latency`."""

from collections.abc import Mapping
from typing import Any

COLUMNS = ("rate", "rows/s", "cores of the job", "table", "rows", "p50 s", "p95 s", "p99 s")
TABLES = ("alerts", "sessions")
BUSY_CORES = 0.2
"""Cores that other work used, from which a warning is worth it: broker and replay take a little less."""


def table_rows(by_rate: Mapping[str, Mapping[str, Any] | None]) -> list[list[str]]:
    """Lay out the results under COLUMNS, a line per rate and table; a rate that was not measured has none.

    >>> delays = {"rows": 9, "p50_s": 1.5, "p95_s": 2.5, "p99_s": 3.0}
    >>> table_rows({"half": {"rows_per_s": 9000, "job_cores": 0.8, "alerts": None, "sessions": delays}})[1]
    ['', '', '', 'sessions', '9', '1.5', '2.5', '3.0']
    """
    lines = []
    for name, figures in by_rate.items():
        if figures is None:
            continue
        head = [name.replace("_", " "), f"{figures['rows_per_s']:,}", f"{figures['job_cores']:.2f}"]
        for table in TABLES:
            delays = figures[table]
            values = (
                ["–"] * 4
                if delays is None
                else [f"{delays['rows']:,}", *(str(delays[f"p{p}_s"]) for p in (50, 95, 99))]
            )
            lines.append([*(head if table == TABLES[0] else [""] * 3), table, *values])
    return lines


def remarks(results: Mapping[str, Any]) -> list[str]:
    """Return what to keep in mind of the results, a line each.

    >>> half = {"asked_rows_per_s": 900, "rows_per_s": 700, "is_reached": False, "other_cores": 0.1}
    >>> remarks({"highest_rows_per_s": 1800, "by_rate": {"half": half, "nine_tenths": None}})
    ['the highest rate: 1,800 rows/s', 'half: 900 rows/s were asked for, 700 sent', 'nine tenths: not measured']
    """
    lines = [f"the highest rate: {results['highest_rows_per_s']:,} rows/s"]
    busy = []
    for name, figures in results["by_rate"].items():
        rate = name.replace("_", " ")
        if figures is None:
            lines.append(f"{rate}: not measured")
            continue
        if not figures["is_reached"]:
            lines.append(
                f"{rate}: {figures['asked_rows_per_s']:,} rows/s were asked for, {figures['rows_per_s']:,} sent"
            )
        if figures["other_cores"] > BUSY_CORES:
            busy.append(rate)
    if busy:
        lines.append(f"broker, replay and other work used more than {BUSY_CORES} cores during: {', '.join(busy)}")
    return lines
