"""Rows on their way to the tables: appended to one file per stretch of time, so memory stays flat.

Blocks of accounts come in any order and from any worker; a stretch is read back whole and sorted by (time, id),
which makes the tables independent of both.
"""

from pathlib import Path

import numpy as np

from contracts.events import ACTIVITY, PLAYS
from producer.simulator.rows import Columns

PLACE_DTYPES = {
    "user": "i4", "session": "u8", "device": "i4", "ip": "i4", "device_type": "u1", "country": "u1", "network": "u1",
    "family": "u1", "campaign": "i4",
}  # fmt: skip
DTYPES: dict[str, np.dtype[np.void]] = {
    PLAYS: np.dtype(
        [("key", "u8"), ("time", "i8"), ("id", "u8"), ("track", "i4"), ("listen", "i4"), ("context", "i4"),
         ("reason_start", "u1"), ("reason_end", "u1"), ("context_type", "u1"), ("shuffle", "?"), ("is_paid", "?"),
         *PLACE_DTYPES.items()]
    ),
    ACTIVITY: np.dtype(
        [("key", "u8"), ("time", "i8"), ("id", "u8"), ("item", "i4"), ("action", "u1"), ("drm", "u1"), ("cdm", "u1"),
         ("codec", "u1"), ("is_paid", "?"), *PLACE_DTYPES.items()]
    ),
}  # fmt: skip


class Spill:
    """Appends rows to, and reads them back from, one file per column, topic and stretch of `slice_ms`."""

    def __init__(self, folder: Path, worker: int, starts_ms: int, slice_ms: int) -> None:
        self.folder, self.worker, self.starts_ms, self.slice_ms = folder, worker, starts_ms, slice_ms

    def add(self, topic: str, rows: Columns) -> None:
        """Append rows, each to the stretch that its `time` falls in."""
        which = (rows["time"] - self.starts_ms) // self.slice_ms
        order = np.argsort(which.astype(np.int16), kind="stable")  # radix sort
        table = np.empty(len(order), DTYPES[topic])
        for name in DTYPES[topic].names or ():
            if name != "key":
                table[name] = rows[name][order]
        # time first, then as much of the id as fits: 27 bits hold the ms of a day
        since = (table["time"] - self.starts_ms) % self.slice_ms
        table["key"] = (since.astype(np.uint64) << np.uint64(37)) | (table["id"] >> np.uint64(27))
        edges = np.flatnonzero(np.diff(which[order], prepend=-1))
        for low, high in zip(edges, [*edges[1:], len(order)], strict=True):
            stretch = self.folder / topic / f"{int(which[order[low]]):06d}"
            stretch.mkdir(parents=True, exist_ok=True)
            with (stretch / str(self.worker)).open("ab") as file:
                table[low:high].tofile(file)


def read_stretch(folder: Path, topic: str, number: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Read one stretch of a topic as a record array, sorted by (time, id); empty where nothing happened."""
    files = sorted((folder / topic / f"{number:06d}").glob("*"))
    parts = [np.fromfile(file, DTYPES[topic]) for file in files]
    rows = np.concatenate(parts) if parts else np.empty(0, DTYPES[topic])
    return rows[np.argsort(rows["key"])]
