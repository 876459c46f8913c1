"""The job's tables in parquet: written by Spark's own file sink with a checkpoint, and read back."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.shop import SHOP_TABLES
from contracts.tables import ddl
from runtime.world import Unit

PREDICTIONS, REJECTED = "predictions", "rejected"
APPENDED = (PREDICTIONS, REJECTED)
"""Tables that Spark's file sink writes, each by the query of its name; the reports are folders."""
EVERY = "5 seconds"
FOREVER = "36500d"


def append(rows: DataFrame, name: str, unit: Unit) -> DataStreamWriter:
    """Append rows to a table, unstarted; sink and checkpoint together write each row exactly once."""
    return (
        rows.select(*(column.name for column in SHOP_TABLES[name]))
        .writeStream.queryName(name)
        .format("parquet")
        .outputMode("append")
        .option("path", str(unit.table(name)))
        .option("checkpointLocation", str(unit.checkpoints / name))
        .trigger(processingTime=EVERY)
    )


def read(spark: SparkSession, name: str, unit: Unit) -> DataFrame:
    """Read what is committed of a table."""
    return spark.read.schema(ddl(SHOP_TABLES[name])).parquet(str(unit.table(name)))


def stream(spark: SparkSession, name: str, unit: Unit) -> DataFrame:
    """Stream a table as it is committed."""
    folder = unit.table(name)
    # a stream reader dies on a folder that does not exist; on an empty one it waits
    folder.mkdir(parents=True, exist_ok=True)
    return spark.readStream.schema(ddl(SHOP_TABLES[name])).option("maxFileAge", FOREVER).parquet(str(folder))
