"""Format the figures of `playproof bench`, and describe the machine and versions that they were measured on."""

import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import psutil

from ops.bench.figures import Figures
from runtime.jvm import find_java, jars, java_version

PACKAGES = ("pyspark", "kafka-python", "crc32c", "xgboost-cpu", "numpy", "pyarrow")
COLUMNS = ("contender", "rows/s warm", "rows/s all", "rows/CPU-s", "CPU-s", "peak MB", "others' CPU-s")
BUSY_SHARE = 0.1
"""Share of a contender's CPU-seconds from which other load on the machine is worth a warning."""


def versions() -> dict[str, str | None]:
    """Return the versions that the figures depend on."""
    kafka = next(
        (match[1] for jar in jars("broker") if (match := re.match(r"kafka_[\d.]+-([\d.]+)\.jar", jar.name))), "?"
    )
    known: dict[str, str | None] = {"python": platform.python_version(), "java": java_version(find_java())}
    return known | {"kafka": kafka} | {name: version(name) for name in PACKAGES}


def machine() -> dict[str, Any]:
    """Return what the machine has."""
    memory_gb = round(psutil.virtual_memory().total / 2**30, 1)
    return {"cores": os.cpu_count(), "memory_gb": memory_gb, "system": platform.system(), "cpu": platform.machine()}


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def format_figures(name: str, figures: Figures) -> str:
    """Return a contender's figures in one line.

    >>> format_figures("scoring", Figures(90_000.0, 80_000.0, 45_000.0, 140.0, 3000.0, 75.0, 6_000_000, 9.0, 1.0))
    'scoring: 90,000 rows/s warm, 80,000 all, 75 s, 140 CPU-s, 3,000 MB'
    """
    return (
        f"{name}: {_count(figures.rows_per_s)} rows/s warm, {_count(figures.rows_per_s_all)} all, "
        f"{_count(figures.seconds)} s, {_count(figures.cpu_s)} CPU-s, {_count(figures.peak_rss_mb)} MB"
    )


def table_rows(contenders: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Lay out the contenders of the results under COLUMNS."""
    keys = ("rows_per_s", "rows_per_s_all", "rows_per_cpu_s", "cpu_s", "peak_rss_mb", "other_cpu_s")
    return [[name, *(_count(figures[key]) for key in keys)] for name, figures in contenders.items()]


def remarks(results: Mapping[str, Any]) -> list[str]:
    """Return the ratios, a line each, and what to keep in mind of these figures."""
    lines = [
        f"{name.replace('_to_', ' ÷ ').replace('_per_cpu_s', ', by CPU-second')}: {'–' if value is None else value}"
        for name, value in results["ratios"].items()
    ]
    disturbed = [n for n, f in results["contenders"].items() if f["other_cpu_s"] > BUSY_SHARE * f["cpu_s"]]
    if disturbed:
        names = ", ".join(disturbed)
        lines.append(f"something else kept this machine busy during {names}: read the ratios by CPU-second")
    if any(figures["rows_per_s"] is None for figures in results["contenders"].values()):
        lines.append("–: too few micro-batches to leave a warm-up out; give more --rows, or a smaller --max-messages")
    return lines
