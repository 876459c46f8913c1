"""Query `scores`: each scored session to topic `scores`, at least once; readers drop repeats by session_key."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.topics import SCORES, TOPICS
from runtime.kafka.connection import KafkaConnection
from runtime.storage import spark_path
from runtime.world import Unit

NAME = "scores"
EVERY = "10 seconds"
COLUMNS = TOPICS[SCORES].row_fields
"""Of a session: what is read."""


def to_messages(scored: DataFrame) -> DataFrame:
    """Return one message per session: key session_key, value the topic's fields as JSON, times in ISO 8601 UTC."""
    return scored.select(
        F.col("session_key").alias("key"),
        F.to_json(F.struct(*COLUMNS), {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"}).alias("value"),
    )


def write(scored: DataFrame, unit: Unit, kafka: KafkaConnection) -> DataStreamWriter:
    """Send every session as the sessions query commits it."""
    return (
        to_messages(scored)
        .writeStream.queryName(NAME)
        .format("kafka")
        .options(**kafka.spark())
        .option("topic", SCORES)
        .option("checkpointLocation", spark_path(unit.checkpoints / NAME))
        .trigger(processingTime=EVERY)
    )
