"""What the topics and the tables hold after a run: when a message was appended, and since when a row can be read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from kafka import KafkaConsumer, TopicPartition

from contracts.events import ACTIVITY, HEADER_ROWS, PLAYS
from contracts.topics import MAX_MESSAGE_BYTES
from ops.latency.delays import Appended
from runtime.arrays import Floats, Ints
from runtime.event_text import parse_time
from runtime.kafka.connection import KafkaConnection
from runtime.lake import committed_files
from runtime.lake.sink_tables import numbered_files
from runtime.parquet import read_parquet
from runtime.units import SECOND_MS


@dataclass(frozen=True, slots=True)
class RowsSent:
    """When the broker appended the messages of both topics (epoch s), and how many rows each has."""

    at: Floats
    rows: Ints

    def between(self, began_at: float, ended_at: float) -> int:
        """Count the rows that were sent in a span of time."""
        return int(self.rows[(self.at >= began_at) & (self.at < ended_at)].sum())


def read_topics(kafka: KafkaConnection) -> tuple[dict[str, Appended], RowsSent]:
    """Read both topics to their end."""
    consumer = KafkaConsumer(
        **kafka.python(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
    )
    sent_at: dict[str, list[float]] = {PLAYS: [], ACTIVITY: []}
    event_ms: dict[str, list[int]] = {PLAYS: [], ACTIVITY: []}
    rows: list[tuple[float, int]] = []
    try:
        partitions = [TopicPartition(t, p) for t in sent_at for p in sorted(consumer.partitions_for_topic(t))]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        left = sum(consumer.end_offsets(partitions).values())
        while left:
            for partition, records in consumer.poll(timeout_ms=1000).items():
                left -= len(records)
                for record in records:
                    at = record.timestamp / SECOND_MS
                    sent_at[partition.topic].append(at)
                    # the rows of a message are in the order of their times
                    event_ms[partition.topic].append(parse_time(orjson.loads(record.value)[-1]["event_time"]) or 0)
                    rows.append((at, int(dict(record.headers)[HEADER_ROWS])))
    finally:
        consumer.close()
    appended = {topic: Appended.of(np.array(sent_at[topic]), np.array(event_ms[topic])) for topic in sent_at}
    return appended, RowsSent(np.array([at for at, _ in rows]), np.array([n for _, n in rows]))


def read_sessions(table: Path) -> tuple[Ints, Floats]:
    """Return the end of every session (epoch ms), and since when it can be read: since its micro-batch is logged."""
    log = numbered_files(table / "_spark_metadata")
    known: set[str] = set()
    ended, since = [np.empty(0, np.int64)], [np.empty(0)]
    for batch in sorted(log):
        entries = [orjson.loads(line)["path"] for line in log[batch].read_bytes().splitlines()[1:]]
        for path in entries:
            name = Path(path).name
            if name in known:
                continue  # a .compact file repeats the files before it
            known.add(name)
            ended_ms = _epoch_ms(read_parquet(next(table.glob(f"*/{name}")), ["ended_at"])["ended_at"])
            ended.append(ended_ms)
            since.append(np.full(len(ended_ms), log[batch].stat().st_mtime))
    return np.concatenate(ended), np.concatenate(since)


def read_alerts(table: Path) -> tuple[Ints, Floats]:
    """Return for every alert the event time of the look that raised it (epoch ms), and since when it can be read."""
    looked, since = [np.empty(0, np.int64)], [np.empty(0)]
    for file in committed_files(table):
        rows = read_parquet(file, ["looked_at", "withdrawn"])
        looked_ms = _epoch_ms(rows["looked_at"].filter(pc.invert(rows["withdrawn"])))
        looked.append(looked_ms)
        since.append(np.full(len(looked_ms), file.stat().st_mtime))
    return np.concatenate(looked), np.concatenate(since)


def _epoch_ms(times: pa.ChunkedArray) -> Ints:
    return times.cast(pa.timestamp("ms", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()
