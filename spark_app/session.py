"""The SparkSession, with every setting that a newcomer would otherwise trip over."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession

from contracts import jvm

QUIET_LOGS = Path(__file__).parent / "log4j2.properties"
LOOPBACK = "127.0.0.1"
DEEP_STACKS = "-Xss4m"
"""Spark's planner and its regular expressions recurse."""


STREAMING = {
    # a micro-batch has far more open windows than the default's 128, past which Spark sorts all rows instead;
    # in batch, with a whole world in one stage, sorting (which spills) is what keeps memory bounded
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "4000000",
}
"""Settings of the streaming job only."""
BATCH_PARTITIONS = 32
"""Shuffle partitions of batch runs: small enough pieces for a driver of a few GB at ten million rows."""


def build_session(
    name: str,
    *,
    master: str = "local[*]",
    partitions: int | None = None,
    memory: str = "3g",
    jvm_flags: str = "-XX:+UseParallelGC",
    ui: bool = False,
    with_kafka: bool = True,
    settings_of_run: Mapping[str, str] | None = None,
    **conf: str,
) -> SparkSession:
    """Start Spark, or return the running session.

    `partitions` is the number of shuffle partitions (default: the cores of this machine; 200, Spark's own default, made
    batches 6× slower: DESIGN §6). It is frozen in a checkpoint. `conf` adds settings, `__` standing for a dot.
    Raises JvmError where Java or the Kafka connector jars are missing.
    """
    java_home = jvm.find_java()
    os.environ["JAVA_HOME"] = str(java_home)
    os.environ["SPARK_LOCAL_IP"] = LOOPBACK
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    os.environ.setdefault("PYTHONPATH", "")
    if str(jvm.ROOT) not in os.environ["PYTHONPATH"].split(os.pathsep):
        # workers import our stages from the checkout
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(jvm.ROOT), os.environ["PYTHONPATH"]]))
    logs = f'-Dlog4j2.configurationFile="{QUIET_LOGS.as_uri()}"'
    settings = {
        "spark.master": master,
        "spark.app.name": name,
        "spark.driver.memory": memory,
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        "spark.driver.extraJavaOptions": f"{jvm_flags} {DEEP_STACKS} {logs}",
        "spark.ui.enabled": str(ui).lower(),
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(partitions or os.cpu_count() or 2),
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.streaming.metricsEnabled": "false",
        "spark.scheduler.mode": "FAIR",
        "spark.sql.streaming.stopTimeout": "25s",
        # a task's files are few: keep one writer per date open instead of sorting every batch by date
        "spark.sql.maxConcurrentOutputFileWriters": "8",
    }
    if master.startswith("local"):
        # what is shuffled stays in this machine's page cache: compressing it costs more than it saves
        settings |= {"spark.shuffle.compress": "false", "spark.shuffle.spill.compress": "false"}
    if with_kafka:
        connector = [str(path) for path in jvm.jars("connector")]
        if master.startswith("local"):
            settings["spark.driver.extraClassPath"] = os.pathsep.join(connector)
        else:
            settings["spark.jars"] = ",".join(connector)
    settings |= dict(settings_of_run or {}) | {key.replace("__", "."): value for key, value in conf.items()}
    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
