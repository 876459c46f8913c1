"""Rows that arrive: a folder of JSON files a topic, one file a micro-batch, read as the live stages read a topic."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession

from contracts.events import ACTIVITY, PLAYS
from contracts.tables import LAKE, ddl
from runtime.monitoring.progress import read_micro_batch
from tests.spark_app.typed import (
    TypedRow,
    account_baselines,
    sessions_with_features,
    topic_of,
    tracks,
    users,
)


def arrive(folder: Path, number: int, rows: Sequence[TypedRow]) -> None:
    """Write the rows that a micro-batch brings: a file a topic, empty where it is silent."""
    for topic in (PLAYS, ACTIVITY):
        (folder / topic).mkdir(parents=True, exist_ok=True)
        file = folder / topic / f"{number:03d}.json"
        lines = [json.dumps(row, default=datetime.isoformat) for row in rows if topic_of(row) == topic]
        file.write_text("\n".join(lines))
        # the file source takes the oldest first
        os.utime(file, (number, number))


def read_batch(spark: SparkSession, folder: Path) -> list[DataFrame]:
    """Read everything that arrived, at once."""
    return [spark.read.schema(ddl(LAKE[topic])).json(str(folder / topic)) for topic in (PLAYS, ACTIVITY)]


def read_stream(spark: SparkSession, folder: Path) -> list[DataFrame]:
    """Read a file a micro-batch."""
    return [
        spark.readStream.schema(ddl(LAKE[topic])).option("maxFilesPerTrigger", 1).json(str(folder / topic))
        for topic in (PLAYS, ACTIVITY)
    ]


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a run of the stream gave: its sessions, and each micro-batch's progress."""

    sessions: list[Row]
    progress: list[dict[str, Any]]

    @property
    def late_and_duplicate(self) -> tuple[int, int]:
        """Rows that ended at the session step, as its progress counts them."""
        batches = [read_micro_batch(progress) for progress in self.progress]
        return sum(batch.late for batch in batches), sum(batch.duplicate for batch in batches)


def stream(spark: SparkSession, folder: Path, batches: Sequence[Sequence[TypedRow]]) -> Streamed:
    """Let batches of rows arrive one after another and describe their sessions, until nothing is left to do."""
    for number, rows in enumerate(batches, start=1):
        arrive(folder, number, rows)
    plays, activity = read_stream(spark, folder)
    name = f"sessions_{folder.name}".replace("-", "_")
    query = (
        sessions_with_features(plays, activity, tracks(spark), users(spark), account_baselines(spark))
        .writeStream.format("memory")
        .queryName(name)
        .option("checkpointLocation", str(folder / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    progress = [json.loads(p.json) for p in query.recentProgress]
    sessions = spark.table(name).collect()
    spark.catalog.dropTempView(name)
    return Streamed(sessions, progress)
