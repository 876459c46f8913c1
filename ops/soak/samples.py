"""What a running job has at one moment: files, memory, open rows; and what a run of samples says about growth."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ops.bench.process_tree import TreeMeter
from ops.latency.driven_job import QUERY
from runtime.monitoring.progress import last_micro_batch
from runtime.world import Unit

MB = 2**20
BROKER = "broker"
"""The folder of a unit with the broker's own files."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of a soak."""

    at_s: float
    """Seconds since its beginning."""
    files: int
    """Files of lake, checkpoints and progress: the broker's are not counted."""
    disk_mb: float
    rss_mb: float
    """Resident memory of the job's processes; pages that Python workers share count in each of them."""
    open_rows: int
    state_mb: float
    watermark_at: float | None = None
    """Of the last micro-batch, epoch seconds."""
    files_by_folder: Mapping[str, int] = field(default_factory=dict)
    """As `files`, by table of the lake, by query for checkpoints and offsets, and by folder for the rest."""


def take_sample(at_s: float, unit: Unit, meter: TreeMeter) -> Sample:
    """Look at the files of a unit, at the processes of its job, and at the last micro-batch of its sessions."""
    sizes = file_sizes(unit.root)
    by_folder = Counter("/".join(path.relative_to(unit.root).parts[:-1][:2]) for path in sizes)
    last = last_micro_batch(unit, QUERY)
    return Sample(
        at_s=round(at_s, 1),
        files=len(sizes),
        disk_mb=round(sum(sizes.values()) / MB, 2),
        rss_mb=round(meter.rss / MB, 1),
        open_rows=sum(last.state_rows.values()) if last else 0,
        state_mb=round(sum(last.state_bytes.values()) / MB, 2) if last else 0.0,
        watermark_at=last.watermark_at if last else None,
        files_by_folder=dict(sorted(by_folder.items())),
    )


def file_sizes(root: Path) -> dict[Path, int]:
    """Return the bytes of each file of a unit but the broker's; one that goes away meanwhile is left out."""
    sizes = {}
    for path in root.iterdir() if root.exists() else ():
        if path.name == BROKER:
            continue
        for file in (path, *path.rglob("*")):
            try:
                if file.is_file():
                    sizes[file] = file.stat().st_size
            except FileNotFoundError:
                continue
    return sizes


def speed(samples: Sequence[Sample]) -> float | None:
    """Return how many times faster than in life the listeners' time passed, by the watermark; None where it stood.

    >>> speed([Sample(0.0, 1, 1.0, 1.0, 1, 1.0, 1000.0), Sample(10.0, 1, 1.0, 1.0, 1, 1.0, 3000.0)])
    200.0
    """
    known = [(sample.at_s, sample.watermark_at) for sample in samples if sample.watermark_at is not None]
    if len(known) < 2 or known[-1][1] == known[0][1]:
        return None
    return round((known[-1][1] - known[0][1]) / (known[-1][0] - known[0][0]), 1)


def growth(samples: Sequence[Sample], name: str) -> float | None:
    """Return the mean of a quantity in the last quarter of the time ÷ that in the second quarter: 1 is flat.

    The first quarter is left out: caches fill. None where a quarter has no sample, or the second one's mean is 0.

    >>> samples = [Sample(float(s), 100, 1.0, 500.0 + s, 0, 0.0) for s in range(8)]
    >>> growth(samples, "files"), round(growth(samples, "rss_mb"), 3)
    (1.0, 1.008)
    """
    if not samples:
        return None
    at_s = np.array([sample.at_s for sample in samples])
    values = np.array([float(getattr(sample, name)) for sample in samples])
    quarter = np.minimum((at_s - at_s[0]) / max(at_s[-1] - at_s[0], 1e-9) * 4, 3.99).astype(int)
    second, last = values[quarter == 1], values[quarter == 3]
    if not len(second) or not len(last) or not second.mean():
        return None
    return round(float(last.mean() / second.mean()), 3)
