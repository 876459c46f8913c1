"""Query `genuine_totals`: sessions, plays, streams and hours not flagged, in total, every 30 s, also in silence."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from runtime.storage import spark_path
from runtime.world import Unit
from spark_app.queries import report_table
from spark_app.queries.console import local_time, table
from spark_app.sources import with_ticks

NAME = "genuine_totals"
EVERY = "30 seconds"
COLUMNS = ("scored_at", "is_flagged", "plays", "streams", "hours")
"""Of a session: what is read."""


def total(scored: DataFrame) -> DataFrame:
    """Add up what is not flagged: GENUINE_TOTALS without batch_id, one row."""
    genuine = scored.where(~F.col("is_flagged"))
    return genuine.agg(
        F.max("scored_at").alias("as_of"),
        F.count("*").alias("sessions"),
        F.sum("plays").cast("bigint").alias("plays"),
        F.sum("streams").cast("bigint").alias("streams"),
        F.sum("hours").alias("hours"),
    )


def write(scored: DataFrame, unit: Unit, time_zone: str) -> DataStreamWriter:
    """Report the running totals at every trigger: a tick has no flag, so it is not in them."""
    return (
        total(scored.select(*COLUMNS).transform(with_ticks))
        .writeStream.queryName(NAME)
        .outputMode("complete")
        .foreachBatch(partial(report_batch, unit=unit, time_zone=time_zone))
        .option("checkpointLocation", spark_path(unit.checkpoints / NAME))
        .trigger(processingTime=EVERY)
    )


def report_batch(totals: DataFrame, batch_id: int, *, unit: Unit, time_zone: str) -> None:
    """Write one version of the totals."""
    rows = totals.where("sessions > 0").collect()
    report_table.write_version(unit, NAME, batch_id, rows)
    for row in rows:
        print(
            table(
                f"genuine listening in total, as of {local_time(row['as_of'], time_zone)}",
                ["sessions", "plays", "streams", "hours"],
                [[row["sessions"], row["plays"], row["streams"], round(row["hours"])]],
            ),
            flush=True,
        )
