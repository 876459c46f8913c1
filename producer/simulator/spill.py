"""Rows on their way to the tables: appended to one file per stretch of time, so memory stays flat.

Blocks of accounts come in any order and from any worker; a stretch is read back whole and sorted by (time, id),
which makes the tables independent of both. A file is a run of chunks: the number of rows, then each column whole.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contracts.events import ACTIVITY, PLAYS
from producer.simulator.rows import Columns, empty

PLACE_DTYPES = {
    "user": "i4", "session": "u8", "device": "i4", "ip": "i4", "device_type": "u1", "country": "u1", "network": "u1",
    "family": "u1", "campaign": "i4",
}  # fmt: skip
DTYPES: dict[str, dict[str, str]] = {
    PLAYS: {
        "time": "i8", "id": "u8", "track": "i4", "listen": "i4", "context": "i4", "reason_start": "u1",
        "reason_end": "u1", "context_type": "u1", "shuffle": "?", "is_paid": "?", **PLACE_DTYPES,
    },
    ACTIVITY: {
        "time": "i8", "id": "u8", "item": "i4", "action": "u1", "drm": "u1", "cdm": "u1", "codec": "u1",
        "is_paid": "?", **PLACE_DTYPES,
    },
}  # fmt: skip
_COUNT = np.dtype("<i8")


class Spill:
    """Appends rows to one file per topic, stretch of `slice_ms`, and shard."""

    def __init__(self, folder: Path, shard: int, starts_ms: int, slice_ms: int, stretches: int) -> None:
        self.folder, self.shard, self.starts_ms, self.slice_ms = folder, shard, starts_ms, slice_ms
        self.stretches = stretches

    def stretch_of(self, time: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the stretch that each time falls in; negative or past the last outside of the world."""
        return ((time - self.starts_ms) // self.slice_ms).astype(np.int32)

    def add(self, topic: str, rows: Columns) -> None:
        """Append rows, all inside the world, each to the stretch that its `time` falls in."""
        which = self.stretch_of(rows["time"])
        # a radix sort, as it is of 16 bits
        order = np.argsort(which.astype(np.int16), kind="stable")
        columns = [rows[name][order].astype(dtype, copy=False) for name, dtype in DTYPES[topic].items()]
        edges = np.searchsorted(which[order], np.arange(self.stretches + 1))
        for number, (low, high) in enumerate(pairwise(edges)):
            if high > low:
                stretch = self.folder / topic / f"{number:06d}"
                stretch.mkdir(parents=True, exist_ok=True)
                chunk = [np.array([high - low], _COUNT).tobytes(), *(column[low:high].tobytes() for column in columns)]
                with (stretch / str(self.shard)).open("ab") as file:
                    file.write(b"".join(chunk))


def read_stretch(folder: Path, topic: str, number: int) -> Columns:
    """Read one stretch of a topic, sorted by (time, id); empty where nothing happened."""
    chunks = [chunk for file in sorted((folder / topic / f"{number:06d}").glob("*")) for chunk in _chunks(file, topic)]
    if not chunks:
        return empty(DTYPES[topic])
    rows = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in DTYPES[topic]}
    # one key sorts twice as fast as two: the ms of a day have 27 bits, which leaves 37 of the id
    since = (rows["time"] - rows["time"].min()).astype(np.uint64)
    order = np.argsort((since << np.uint64(37)) | (rows["id"] >> np.uint64(27)))
    return {name: column[order] for name, column in rows.items()}


def _chunks(file: Path, topic: str) -> list[Columns]:
    """Read the chunks of one file."""
    data = memoryview(file.read_bytes())
    found, at = [], 0
    while at < len(data):
        n = int(np.frombuffer(data, _COUNT, 1, at)[0])
        at += _COUNT.itemsize
        chunk: Columns = {}
        for name, dtype in DTYPES[topic].items():
            chunk[name] = np.frombuffer(data, dtype, n, at)
            at += chunk[name].nbytes
        found.append(chunk)
    return found
