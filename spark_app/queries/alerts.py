"""Table and topic `alerts`, written by the tasks of query `sessions` in the micro-batch that raises them.

A task is done only after its alerts are in a file and acknowledged by the topic; the driver adds the files of all
tasks to the table before it adds the sessions. What Spark repeats after a crash has the same offsets, so the same
alerts: the file of a task is replaced by itself, and the table takes a micro-batch once. The topic has an alert at
least once, and readers drop repeats by `session_key` and `withdrawn`.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow.parquet as pq
from kafka import KafkaProducer
from pyspark import TaskContext

from contracts.topics import ALERTS
from runtime.checkpoint import writer_of
from runtime.kafka.connection import KafkaConnection
from runtime.lake import file_name
from runtime.lake.commits import DataFile, Transaction, append, push
from runtime.storage import open_output, refresh, remove, remove_tree, storage_of
from runtime.world import Unit
from spark_app.stages.alerts.messages import to_table

NAME = "alerts"
BATCH_ID = "streaming.sql.batchId"
"""The property in which Spark tells a task the micro-batch that it is of."""
STAGED = "_staged"
"""Folder of the table for files of tasks that are not added yet; readers skip names that begin with an underscore."""
ACKNOWLEDGED_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class AlertPublisher:
    """Writes the alerts of a task of the running micro-batch to table and topic."""

    table: Path
    kafka: KafkaConnection | None = None
    """None for the table alone."""

    def __call__(self, messages: Sequence[str]) -> None:
        """Write messages; raises what Kafka raises where the topic does not acknowledge them."""
        task = TaskContext.get()
        batch_id = task.getLocalProperty(BATCH_ID) if task else None
        assert task is not None, "alerts are published by tasks of Spark"
        assert batch_id is not None, "alerts are published by tasks of a micro-batch"
        write_part(self.table, int(batch_id), task.partitionId(), messages)
        if messages and self.kafka is not None:
            send(self.kafka, messages)


def write_part(table: Path, batch_id: int, partition: int, messages: Sequence[str]) -> None:
    """Replace what a partition of a micro-batch wrote for the table by `messages`; nothing of it counts yet."""
    folder = table / STAGED / str(batch_id)
    part = folder / f"part-{partition:05d}.parquet"
    if not messages:
        remove(part)  # of an attempt before, by another model
        return
    if storage_of(table) is not None:
        with open_output(part) as out:  # there when it is complete
            pq.write_table(to_table(messages), out)
        return
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = part.with_name(f".{part.name}.partial")
    pq.write_table(to_table(messages), unfinished)
    unfinished.replace(part)


def commit(unit: Unit, query: str, batch_id: int) -> None:
    """Add to the table what the tasks of a micro-batch of `query` wrote."""
    table, files = unit.table(NAME), []
    refresh(table / STAGED / str(batch_id))
    for part in sorted((table / STAGED / str(batch_id)).glob("*.parquet")):
        rows = pq.read_metadata(part).num_rows
        file = part.replace(table / file_name(batch_id, uuid.uuid4().hex))
        files.append(push(table, DataFile(file.name, rows, file.stat().st_size)))
    if files:
        append(table, files, Transaction(writer_of(unit, query), batch_id))
    if (table / STAGED).exists():
        remove_tree(table / STAGED)


def send(kafka: KafkaConnection, messages: Sequence[str]) -> None:
    """Send messages to the topic by their session key, and wait until they are acknowledged."""
    producer = _producer(kafka)
    sent = [producer.send(ALERTS, value=m.encode(), key=json.loads(m)["session_key"].encode()) for m in messages]
    producer.flush(ACKNOWLEDGED_WITHIN_S)
    for future in sent:
        future.get(ACKNOWLEDGED_WITHIN_S)


@lru_cache(maxsize=1)
def _producer(kafka: KafkaConnection) -> KafkaProducer:
    """Return the one producer of this worker process: to connect takes longer than to send."""
    return KafkaProducer(**kafka.python(), acks="all")
