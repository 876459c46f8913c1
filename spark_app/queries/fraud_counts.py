"""Query `fraud_counts`: flagged sessions of the last 2 minutes, every 10 s, to console, parquet and topic.

The minutes are those of `scored_at`, the clock of the workers. A tick in every micro-batch makes the report come in
silence too, and the count fall to 0 as the minutes pass.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from operator import itemgetter

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.tables import FRAUD_COUNT_TABLE
from contracts.topics import FRAUD_COUNTS, TOPICS
from models.tables.alerts import count_alerts
from runtime.kafka.connection import KafkaConnection
from runtime.storage import spark_path
from runtime.world import Unit
from spark_app.queries import report_table
from spark_app.queries.console import local_time, table
from spark_app.queries.waiting import waiting_message
from spark_app.sources import with_ticks

NAME = "fraud_counts"
EVERY = "10 seconds"
COLUMNS = ("scored_at", "is_flagged", "streams")
"""Of a session: what is read."""
WINDOW_LENGTH, SLIDE_LENGTH = timedelta(minutes=2), timedelta(seconds=10)
WINDOW, SLIDE = (f"{length.seconds} seconds" for length in (WINDOW_LENGTH, SLIDE_LENGTH))
OPEN_FOR = "3 minutes"
"""A window's state is kept this long after the newest scored_at: a little longer than the window."""


def count_windows(scored: DataFrame) -> DataFrame:
    """Count sessions, flagged ones and their streams per window on scored_at: FRAUD_COUNT_TABLE without batch_id.

    The watermark is that of the sessions alone: a tick is always newer than sessions that were scored in a long
    micro-batch, and would make them late.
    """
    flagged = F.col("is_flagged")
    counted = (
        scored.select(*COLUMNS)
        .withWatermark("scored_at", OPEN_FOR)
        .transform(with_ticks)
        .groupBy(F.window("scored_at", WINDOW, SLIDE).alias("w"))
        .agg(
            # a tick has no flag, and counts for nothing
            F.count("is_flagged").alias("sessions"),
            F.count_if(flagged).alias("flagged"),
            F.sum(F.when(flagged, F.col("streams")).otherwise(0)).cast("bigint").alias("flagged_streams"),
        )
    )
    # one row per window
    return counted.select(
        F.col("w.start").alias("window_start"),
        F.col("w.end").alias("window_end"),
        "sessions",
        "flagged",
        "flagged_streams",
    )


def write(scored: DataFrame, unit: Unit, kafka: KafkaConnection, time_zone: str) -> DataStreamWriter:
    """Report every window that has a new session or a tick."""
    return (
        count_windows(scored)
        .writeStream.queryName(NAME)
        .outputMode("update")
        .foreachBatch(partial(report_batch, unit=unit, kafka=kafka, time_zone=time_zone))
        .option("checkpointLocation", spark_path(unit.checkpoints / NAME))
        .trigger(processingTime=EVERY)
    )


def current_window(windows: Sequence[Row]) -> Row:
    """Return the window that ends first of those with the newest row: the later ones are still incomplete.

    Where the clock was set back by minutes, a tick is in some windows only: the watermark has passed the first ones.
    """
    first_end = max(w["window_end"] for w in windows) - WINDOW_LENGTH + SLIDE_LENGTH
    return min((w for w in windows if w["window_end"] >= first_end), key=itemgetter("window_end"))


def write_version(windows: DataFrame, batch_id: int, *, unit: Unit, time_zone: str) -> DataFrame:
    """Write one version of the changed windows to table and console, and return it; readers take the newest version."""
    spark = windows.sparkSession
    changed = windows.collect()  # a few dozen rows; once, since each action would compute them again
    versions = spark.createDataFrame(changed, windows.schema).withColumn("batch_id", F.lit(batch_id).cast("bigint"))
    versions = versions.select(*(c.name for c in FRAUD_COUNT_TABLE)).coalesce(1)
    report_table.write_version(unit, NAME, batch_id, changed)
    if changed:
        now = current_window(changed)
        print(
            table(
                f"fraud count, last 2 minutes to {local_time(now['window_end'], time_zone)}",
                ["sessions", "flagged", "flagged streams"],
                [[now["sessions"], now["flagged"], now["flagged_streams"]]],
            ),
            flush=True,
        )
        alerts = count_alerts(unit, now["window_start"].timestamp())
        if alerts.raised or alerts.withdrawn:
            print(f"  alerts inside open sessions in these 2 minutes: {alerts}", flush=True)
        if not now["sessions"]:
            print(waiting_message(unit, time_zone), flush=True)
    return versions


def to_messages(versions: DataFrame) -> DataFrame:
    """Return one message per window: key window_start, value the topic's fields as JSON, times in ISO 8601 UTC."""
    iso = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"}
    return versions.select(
        F.date_format("window_start", "yyyy-MM-dd'T'HH:mm:ss'Z'").alias("key"),
        F.to_json(F.struct(*TOPICS[FRAUD_COUNTS].row_fields), iso).alias("value"),
    )


def report_batch(windows: DataFrame, batch_id: int, *, unit: Unit, kafka: KafkaConnection, time_zone: str) -> None:
    """Report the changed windows to table, console and topic."""
    versions = write_version(windows, batch_id, unit=unit, time_zone=time_zone)
    to_messages(versions).write.format("kafka").options(**kafka.spark()).option("topic", FRAUD_COUNTS).save()
