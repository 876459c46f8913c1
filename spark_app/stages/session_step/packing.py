"""Typed rows to packed ones: a row per bucket of accounts, with the rows of many messages in one binary value.

There are as many buckets as shuffle partitions, and each task of the session step has one of them: a call of the step,
of the features and of the trees costs about the same for a hundred rows as for one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import HEARTBEAT_USER
from spark_app.stages.arrays.ids import murmur3
from spark_app.stages.arrays.timestamps import UTC_TIMESTAMP
from spark_app.stages.session_step.narrow import narrow
from spark_app.stages.session_step.packed_rows import pack
from spark_app.stages.session_step.tracks import TrackLookup

PACK_ROWS = 200_000
"""Rows packed at once, about: as many as fit in any worker's memory, so that a packed value is worth its header."""
PACKED_DDL = "bucket int, event_time timestamp, rows binary"
_PACKED = pa.schema([("bucket", pa.int32()), ("event_time", UTC_TIMESTAMP), ("rows", pa.binary())])


def bucket_keys(partitions: int) -> tuple[int, ...]:
    """Return a key per partition: of the integers that Spark sends to partition 0, 1, … the smallest one each.

    >>> bucket_keys(2)
    (2, 0)
    """
    keys: dict[int, int] = {}
    number = 0
    while len(keys) < partitions:
        keys.setdefault(murmur3(number) % partitions, number)
        number += 1
    return tuple(keys[partition] for partition in range(partitions))


@dataclass(slots=True)
class _Held:
    """Rows that wait to be packed, and the span of their times, heartbeats among them."""

    rows: list[pa.RecordBatch] = field(default_factory=list)
    count: int = 0
    times: list[pa.Scalar] = field(default_factory=list)

    def add(self, topic: str, typed: pa.RecordBatch, tracks: TrackLookup) -> None:
        columns = dict(zip(typed.schema.names, typed.columns, strict=True))
        self.times += pc.min_max(columns["event_time"]).values()
        rows = narrow(topic, columns, tracks)
        is_heartbeat = pc.equal(columns["user_id"], HEARTBEAT_USER)
        self.rows.append(rows.filter(pc.invert(is_heartbeat)) if pc.any(is_heartbeat).as_py() else rows)
        self.count += typed.num_rows


def pack_batches(
    batches: Iterable[pa.RecordBatch], topic: str, tracks: TrackLookup, buckets: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """Turn Arrow batches of typed rows of a topic into a row per bucket: bucket, event_time, rows; null without rows.

    Accounts are spread over `buckets` by their hash. Every bucket gets a row, so that the session step looks at every
    bucket. `event_time` moves the watermark: that of the first bucket is the newest of all rows, heartbeats among them,
    that of the others the oldest.
    """
    held = _Held()
    for batch in batches:
        if batch.num_rows:
            held.add(topic, batch, tracks)
        if held.count >= PACK_ROWS:
            yield _packed(held, buckets)
            held = _Held()
    if held.count:
        yield _packed(held, buckets)


def _packed(held: _Held, buckets: Sequence[int]) -> pa.RecordBatch:
    rows, n = pa.Table.from_batches(held.rows).combine_chunks(), len(buckets)
    bucket = np.mod(rows["user"].to_numpy(), n).astype(np.int16)
    rows = rows.take(pa.array(np.argsort(bucket, kind="stable")))
    ends = np.cumsum(np.bincount(bucket, minlength=n))
    slices = [
        rows.slice(start, end - start) for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
    ]
    times = [time.as_py() for time in held.times]
    return pa.RecordBatch.from_arrays(
        [
            pa.array(buckets, pa.int32()),
            pa.array([max(times)] + [min(times)] * (n - 1), UTC_TIMESTAMP),
            pa.array([pack(part) if len(part) else None for part in slices], pa.binary()),
        ],
        schema=_PACKED,
    )
