"""Typed rows to packed ones: a row per bucket of accounts, with the rows of many messages in one binary value."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import HEARTBEAT_USER
from spark_app.stages.arrays.timestamps import UTC_TIMESTAMP
from spark_app.stages.session_step.narrow import narrow
from spark_app.stages.session_step.packed_rows import pack
from spark_app.stages.session_step.tracks import TrackLookup

BUCKETS = 32
"""Accounts are spread over them by their hash. Frozen in a checkpoint; a bucket is the smallest piece of the state."""
PACK_ROWS = 200_000
"""Rows packed at once, about: as many as fit in any worker's memory, so that a packed value is worth its header."""
PACKED_DDL = "bucket int, event_time timestamp, rows binary"
_PACKED = pa.schema([("bucket", pa.int32()), ("event_time", UTC_TIMESTAMP), ("rows", pa.binary())])


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


def pack_batches(batches: Iterable[pa.RecordBatch], topic: str, tracks: TrackLookup) -> Iterator[pa.RecordBatch]:
    """Turn Arrow batches of typed rows of a topic into a row per bucket: bucket, event_time, rows; null without rows.

    Every bucket gets a row, so that the session step looks at every bucket. `event_time` moves the watermark: that of
    the first bucket is the newest of all rows, heartbeats among them, that of the others the oldest.
    """
    held = _Held()
    for batch in batches:
        if batch.num_rows:
            held.add(topic, batch, tracks)
        if held.count >= PACK_ROWS:
            yield _packed(held)
            held = _Held()
    if held.count:
        yield _packed(held)


def _packed(held: _Held) -> pa.RecordBatch:
    rows = pa.Table.from_batches(held.rows).combine_chunks()
    bucket = np.mod(rows["user"].to_numpy(), BUCKETS).astype(np.int16)
    rows = rows.take(pa.array(np.argsort(bucket, kind="stable")))
    ends = np.cumsum(np.bincount(bucket, minlength=BUCKETS))
    slices = [
        rows.slice(start, end - start) for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
    ]
    times = [time.as_py() for time in held.times]
    return pa.RecordBatch.from_arrays(
        [
            pa.array(range(BUCKETS), pa.int32()),
            pa.array([max(times)] + [min(times)] * (BUCKETS - 1), UTC_TIMESTAMP),
            pa.array([pack(part) if len(part) else None for part in slices], pa.binary()),
        ],
        schema=_PACKED,
    )
