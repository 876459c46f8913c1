"""What the lake holds: the sessions and the rejected rows that were committed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ops.reconcile.expectation import TOPIC_CODES, Sessions
from ops.reconcile.rows import hash_all
from runtime.arrays import Ints
from runtime.checkpoint import Progress

_COUNTS = tuple(f"{topic}_{what}" for topic in TOPIC_CODES for what in ("rows", "hash"))


def read_sessions(files: Sequence[Path]) -> Sessions:
    """Read the sessions in parquet files."""
    columns = ["user_id", "started_at", "ended_at", *_COUNTS]
    tables = [pq.ParquetFile(path).read(columns) for path in files]
    if not tables:
        return Sessions(*(np.empty(0, np.int64) for _ in Sessions.__slots__))
    table = pa.concat_tables(tables)
    return Sessions(
        hash_all(table.column("user_id").combine_chunks().cast(pa.string())),
        _epoch_ms(table.column("started_at")),
        _epoch_ms(table.column("ended_at")),
        **{name: table.column(name).to_numpy() for name in _COUNTS},
    )


def _epoch_ms(times: pa.ChunkedArray) -> Ints:
    return times.cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.int64()).to_numpy()


def count_rejected(files: Sequence[Path], progress: Progress) -> dict[str, int]:
    """Count the rejected rows in parquet files by topic, up to the offsets that `progress` has reached."""
    counts = dict.fromkeys(TOPIC_CODES, 0)
    for path in files:
        table = pq.ParquetFile(path).read(["topic", "partition", "offset", "rows"])
        for group in table.group_by(["topic", "partition"]).aggregate([]).to_pylist():
            topic, partition = group["topic"], group["partition"]
            is_counted = pc.and_(
                pc.and_(pc.equal(table["topic"], topic), pc.equal(table["partition"], partition)),
                pc.less(table["offset"], progress.end(topic, partition)),
            )
            counts[topic] += pc.sum(table.filter(is_counted)["rows"]).as_py() or 0
    return counts


@dataclass(frozen=True, slots=True)
class Difference:
    """Two multisets of sessions compared."""

    missing: Sessions
    """Expected, and not in the table."""
    wrong: Sessions
    """In the table, and not expected."""
    duplicated: Sessions
    """Expected, and more often in the table than that."""

    def lost_rows(self, topic: str) -> int:
        """Rows of missing sessions that are not in a wrong session of the same account either."""
        lost: Counter[int] = Counter()
        for sessions, sign in ((self.missing, 1), (self.wrong, -1)):
            for user, rows in zip(
                sessions.user_hash.tolist(), getattr(sessions, f"{topic}_rows").tolist(), strict=True
            ):
                lost[user] += sign * rows
        return sum(rows for rows in lost.values() if rows > 0)


def compare(expected: Sessions, found: Sessions) -> Difference:
    """Compare sessions as multisets: accounts, times, row counts and the sums of the row ids' hashes."""
    expected_keys, found_keys = expected.keys(), found.keys()
    wanted, there = Counter(expected_keys), Counter(found_keys)
    missing: list[int] = []
    wrong: list[int] = []
    duplicated: list[int] = []
    for i, key in enumerate(expected_keys):
        if there[key] > 0:
            there[key] -= 1
        else:
            missing.append(i)
    is_expected = set(expected_keys)
    for i, key in enumerate(found_keys):
        if wanted[key] > 0:
            wanted[key] -= 1
        else:
            (duplicated if key in is_expected else wrong).append(i)
    return Difference(
        expected.where(np.array(missing, np.int64)),
        found.where(np.array(wrong, np.int64)),
        found.where(np.array(duplicated, np.int64)),
    )
