"""The shop's SparkSession, from a SparkConf: four cores, a name, a time zone, and where checkpoints go."""

from pyspark import SparkConf
from pyspark.sql import SparkSession

from runtime.settings import Settings
from runtime.world import Unit
from spark_app.scratch import use_scratch_folder
from spark_app.session import build_session

CORES = 4
"""Cores of the job, and partitions of its state: a checkpoint keeps the number of its first run."""
PLANNING = {"spark.sql.constraintPropagation.enabled": "false"}
"""Settings for plans with many derived columns: with constraints inferred from each, Spark planned each micro-batch of
four rows for 17 s of CPU time."""
ALL_CORES = "local[*]"
"""The default of PLAYPROOF_SPARK_MASTER; any other address is taken as it is."""


def shop_conf(unit: Unit, time_zone: str) -> SparkConf:
    """Return the settings in which this job differs from Spark's defaults and from the music job."""
    return (
        SparkConf(loadDefaults=False)
        .setAppName("playproof-shop")
        .set("spark.sql.session.timeZone", time_zone)
        .set("spark.sql.shuffle.partitions", str(CORES))
        .set("spark.sql.streaming.checkpointLocation", str(unit.checkpoints))
        .setAll(list(PLANNING.items()))
    )


def start_session(
    settings: Settings, unit: Unit, memory: str, master: str | None = None, ui: bool = False
) -> SparkSession:
    """Start Spark with `shop_conf` on four local cores, or where the settings or `master` say. Raises JvmError."""
    conf = shop_conf(unit, settings.time_zone)
    chosen = master or settings.spark_master
    return build_session(
        conf.get("spark.app.name", ""),
        master=f"local[{CORES}]" if chosen == ALL_CORES else chosen,
        memory=memory,
        ui=ui,
        jvm_flags=settings.spark_jvm_flags,
        settings_of_run=dict(conf.getAll()),
        scratch=use_scratch_folder(),
    )
