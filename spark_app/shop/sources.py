"""What the shop's job reads next to its topics: three static tables, and in batch the rows of a world."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.shop import COLUMNS, column_names
from runtime.world import World
from spark_app.shop.rows import rejection
from spark_app.shop.schemas import table_schema


def read_static(spark: SparkSession, world: World, table: str) -> DataFrame:
    """Read a static table, one row per id, so that a join never gives a session twice."""
    key = COLUMNS[table][0].name
    folder = str(world.static(table))
    return spark.read.schema(table_schema(table)).option("header", "true").csv(folder).dropDuplicates([key])


def read_raw(spark: SparkSession, world: World, topic: str) -> DataFrame:
    """Read the rows of a world in batch, in the form of `parse_messages`; `ts` is 0, as nothing was sent.

    All rows count as sent at the same moment, so no session is cut in two.
    """
    files = [str(path) for path in world.raw_files(topic)]
    fields = F.struct(*column_names(topic), F.lit(0).alias("ts"))
    return (
        spark.read.parquet(*files)
        .select(
            F.lit(topic).alias("topic"),
            F.lit(0).alias("partition"),
            F.lit(0).cast("bigint").alias("offset"),
            F.monotonically_increasing_id().alias("position"),
            F.current_timestamp().alias("timestamp"),
            fields.alias("fields"),
        )
        .withColumn("reason", rejection(topic))
    )
