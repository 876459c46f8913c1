"""The picture of a soak: files, memory, state and latency over its minutes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PANELS = (
    ("files", "files", "files of lake, checkpoints and progress"),
    ("rss_mb", "MB", "resident memory of the job"),
    ("state_mb", "MB", "state of open sessions, in Spark's memory"),
    ("open_rows", "rows", "rows of open sessions"),
    ("p95_s", "s", "from the message that makes a row due to the row in its table, p95"),
)
"""Key of a sample, unit, title of the panel."""
SIZE_IN = (9.0, 10.0)


def draw(results: Mapping[str, Any], to: Path) -> None:
    """Draw the samples of a soak's results to a PNG."""
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    FigureCanvasAgg(figure)
    samples = results["samples"]
    minutes = [sample["at_s"] / 60 for sample in samples]
    rows_per_s, asked = results["rows_per_s"], results["asked_rows_per_s"]
    figure.suptitle(f"The job at {rows_per_s:,} rows/s ({asked:,} asked for), seed {results['parameters']['seed']}")
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (name, unit, title) in zip(panels, PANELS, strict=True):
        points = [(at, sample[name]) for at, sample in zip(minutes, samples, strict=True) if sample[name] is not None]
        axes.plot([at for at, _ in points], [value for _, value in points], color="#31688e", linewidth=1.4)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(unit)
        axes.set_title(title, loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("minutes")
    figure.savefig(to, dpi=100)
