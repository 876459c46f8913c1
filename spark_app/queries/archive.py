"""Query `archive`: every row of both topics to lake/plays and lake/activity, every bad one to lake/rejected."""

from functools import partial

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.events import ACTIVITY, HEARTBEAT_USER, PLAYS
from contracts.tables import LAKE, REJECTED
from contracts.world import Unit
from spark_app.queries.batch_folder import write_batch_folder
from spark_app.stages.parse import parse_all_rows

NAME = "archive"
EVERY = "20 seconds"
"""Long, since every batch adds files."""
HASH_CHARS = 16


def write(messages: DataFrame, unit: Unit, hash_key: str) -> DataStreamWriter:
    """Archive messages (topic, partition, offset, value, headers). Exactly once: a batch's folders are overwritten."""
    return (
        messages.writeStream.queryName(NAME)
        .foreachBatch(partial(archive_batch, unit=unit, hash_key=hash_key))
        .option("checkpointLocation", str(unit.checkpoints / NAME))
        .trigger(processingTime=EVERY)
    )


def archive_batch(messages: DataFrame, batch_id: int, *, unit: Unit, hash_key: str) -> None:
    """Write one batch: good rows by topic and date, and the rejected ones where there are any.

    Rejected rows are counted on the way past; only a batch that has some is parsed a second time for them.
    """
    rejected = []
    for topic in (PLAYS, ACTIVITY):
        rows = parse_all_rows(messages.where(F.col("topic") == topic), topic)
        seen = Observation()
        counted = rows.observe(seen, F.count("reason").alias("rejected"))
        write_batch_folder(_archived(counted, topic, hash_key), unit.table(topic), batch_id, "date")
        if seen.get["rejected"]:
            rejected.append(_rejected(rows))
    if rejected:
        both = rejected[0] if len(rejected) == 1 else rejected[0].unionByName(rejected[1])
        write_batch_folder(both, unit.table("rejected"), batch_id)


def _archived(rows: DataFrame, topic: str, hash_key: str) -> DataFrame:
    """Good rows, with the date and without heartbeats; `ip` as a keyed hash, since it is personal data."""
    good = rows.where(F.col("reason").isNull() & (F.col("user_id") != HEARTBEAT_USER))
    hidden = F.left(F.sha2(F.concat(F.lit(hash_key), F.col("ip")), 256), F.lit(HASH_CHARS))
    names = [c.name for c in LAKE[topic]]
    return good.withColumn("ip", hidden).select(*names, F.to_date("event_time").alias("date"))


def _rejected(rows: DataFrame) -> DataFrame:
    bad = rows.where(F.col("reason").isNotNull()).withColumn("date", F.current_date())
    return bad.select(*(c.name for c in REJECTED))
