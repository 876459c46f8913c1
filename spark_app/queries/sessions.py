"""Query `sessions`: scored sessions to lake/sessions, exactly once."""

from pyspark.sql import DataFrame
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.features import FEATURE_NAMES
from runtime.world import Unit

NAME = "sessions"
EVERY = "1 second"


def write(scored: DataFrame, unit: Unit) -> DataStreamWriter:
    """Append scored sessions by date; with the file sink's log each session counts once, also after a crash."""
    # features hardly repeat: a dictionary of them would cost time and save nothing
    no_dictionary = {f"parquet.enable.dictionary#{name}": "false" for name in FEATURE_NAMES}
    return (
        scored.writeStream.queryName(NAME)
        .options(**no_dictionary)
        .format("parquet")
        .option("path", str(unit.table(NAME)))
        .option("checkpointLocation", str(unit.checkpoints / NAME))
        .partitionBy("date")
        .trigger(processingTime=EVERY)
    )
