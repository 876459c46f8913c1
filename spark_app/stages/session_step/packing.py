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
from spark_app.stages.sessions.session_rows import TOPIC_CODE

PACK_ROWS = 200_000
"""Rows packed at once, about: as many as fit in any worker's memory, so that a packed value is worth its header."""
PACKED_DDL = "bucket int, event_time timestamp, topic int, newest_ms bigint, rows binary"
PARTITION = "partition"
"""A column of typed rows, where they come from Kafka: the partition of their topic."""
_PACKED = pa.schema(
    [
        ("bucket", pa.int32()),
        ("event_time", UTC_TIMESTAMP),
        ("topic", pa.int32()),
        ("newest_ms", pa.int64()),
        ("rows", pa.binary()),
    ]
)


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
    newest_ms: dict[int, int] = field(default_factory=dict)
    """By partition, of all rows of the task so far."""

    def add(self, topic: str, typed: pa.RecordBatch, tracks: TrackLookup) -> None:
        columns = dict(zip(typed.schema.names, typed.columns, strict=True))
        self.times += pc.min_max(columns["event_time"]).values()
        rows = narrow(topic, columns, tracks)
        event_ms = rows["event_ms"].to_numpy()
        partition = columns[PARTITION].to_numpy() if PARTITION in columns else np.zeros(len(event_ms), np.int32)
        for number in np.unique(partition).tolist():
            newest_ms = int(event_ms[partition == number].max())
            self.newest_ms[number] = max(self.newest_ms.get(number, newest_ms), newest_ms)
        is_heartbeat = pc.equal(columns["user_id"], HEARTBEAT_USER)
        self.rows.append(rows.filter(pc.invert(is_heartbeat)) if pc.any(is_heartbeat).as_py() else rows)
        self.count += typed.num_rows


def pack_batches(
    batches: Iterable[pa.RecordBatch], topic: str, tracks: TrackLookup, buckets: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """Turn Arrow batches of typed rows of a topic into rows of PACKED_DDL, one per bucket; `rows` is null without any.

    Accounts are spread over `buckets` by their hash. Every bucket gets a row, with the topic's code; the last one with
    the newest time of all rows, heartbeats among them: that of the slowest partition where the rows are of several.
    From these times the session step has its watermark. Spark has another one: for it, `event_time` is the newest time
    in the first bucket, the oldest in the others.
    """
    held = _Held()
    for batch in batches:
        if batch.num_rows and held.count >= PACK_ROWS:
            yield _packed(held, topic, buckets, None)
            held = _Held(newest_ms=held.newest_ms)
        if batch.num_rows:
            held.add(topic, batch, tracks)
    if held.count:
        yield _packed(held, topic, buckets, min(held.newest_ms.values()))


def _packed(held: _Held, topic: str, buckets: Sequence[int], newest_ms: int | None) -> pa.RecordBatch:
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
            pa.repeat(pa.scalar(TOPIC_CODE[topic], pa.int32()), n),
            pa.repeat(pa.scalar(newest_ms, pa.int64()), n),
            pa.array([pack(part) if len(part) else None for part in slices], pa.binary()),
        ],
        schema=_PACKED,
    )
