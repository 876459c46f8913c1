"""The job's heartbeat: while nothing arrives, it says what time it is, so that the last sessions can close.

A watermark moves only when rows arrive. `ts` is the time of sending, so once the job has read all there is, the time
that passes is event time too. The job writes that time into a file, which each stream reads as a row next to its topic.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from runtime.monitoring.progress import MicroBatch
from spark_app.shop.rows import HEARTBEAT

EVERY_S = 10.0


class SenderClock:
    """Estimates the sender's clock from the newest row: never ahead of it, also where it differs from ours."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._offset: float | None = None

    def observe(self, newest_at: float | None) -> None:
        """Note the newest event time of a micro-batch that has just ended, in epoch seconds."""
        if newest_at is not None:
            offset = newest_at - self._monotonic()
            self._offset = offset if self._offset is None else max(self._offset, offset)

    @property
    def now(self) -> float | None:
        """The sender's time, in epoch seconds; None before the first row."""
        return None if self._offset is None else self._offset + self._monotonic()


class Heartbeat:
    """Writes a heartbeat for each topic every EVERY_S, where the job has read all that was sent."""

    def __init__(self, folders: list[Path], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folders, self._monotonic = folders, monotonic
        self._clock = SenderClock(monotonic)
        self._last_batch, self._last_beat, self._number = -1, monotonic(), 0

    def beat(self, batch: MicroBatch | None) -> None:
        """Observe the newest micro-batch, and write a heartbeat where one is due."""
        if batch is None:
            return
        if batch.batch_id != self._last_batch:
            self._last_batch = batch.batch_id
            self._clock.observe(batch.newest_at)
        # rows that wait in the topics are older than now: a heartbeat before them would make them late
        is_due = self._monotonic() - self._last_beat >= EVERY_S and not any(batch.behind.values())
        if is_due and self._clock.now is not None:
            self._last_beat, self._number = self._monotonic(), self._number + 1
            for folder in self._folders:
                _write(folder, self._clock.now, self._number)


def _write(folder: Path, now: float, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{number}.partial"
    partial.write_text(json.dumps({"ts": now}) + "\n")
    partial.rename(folder / f"{now:.3f}-{number}.json")


def with_heartbeats(rows: DataFrame, spark: SparkSession, folder: Path) -> DataFrame:
    """Return a topic's rows and the heartbeats of a folder: `sent_at`, `session_id`, a separate place, and nulls."""
    folder.mkdir(parents=True, exist_ok=True)
    beats = spark.readStream.schema("ts double").option("cleanSource", "delete").json(str(folder))
    times = beats.select(
        F.timestamp_seconds("ts").alias("sent_at"),
        F.lit(HEARTBEAT).alias("session_id"),
        # so that no heartbeat counts as a duplicate of another
        (F.col("ts") * 1000).cast("bigint").alias("offset"),
    )
    return rows.unionByName(times, allowMissingColumns=True)
