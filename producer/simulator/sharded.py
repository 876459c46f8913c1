"""The simulator on Spark: blocks of accounts, then days, dealt out to executors; the bytes are those of one process.

Driver and executors must see the world's folder, and this checkout, at the same path: a shared mount on a cluster. Rows
never pass through the driver: executors append them to the world's spill folder, and the day that is written reads them
from there. What comes back is small: static rows, truth by account, checksums.
"""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from runtime import jvm, resources

LOOPBACK = "127.0.0.1"
QUIET_LOGS = resources.CODE / "spark_app" / "log4j2.properties"
"""The job's own: Spark's default tells of its start at length."""


@contextmanager
def spark_session(master: str, jvm_flags: str) -> Iterator[SparkSession]:
    """Start Spark for the length of a simulation. Raises JvmError where there is no Java."""
    jvm.use_own_spark(is_local=master.startswith("local"))
    path = os.pathsep.join(filter(None, [str(resources.CODE), os.environ.get("PYTHONPATH", "")]))
    os.environ["PYTHONPATH"] = path
    logs = f'-Dlog4j2.configurationFile="{QUIET_LOGS.as_uri()}"'
    settings = {
        "spark.master": master,
        "spark.driver.extraJavaOptions": f"{jvm_flags} {logs}",
        "spark.executorEnv.PYTHONPATH": path,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if master.startswith("local") or LOOPBACK in master:
        os.environ["SPARK_LOCAL_IP"] = LOOPBACK
        settings |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    builder = SparkSession.builder.appName("playproof-simulate")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()


def on_spark(spark: SparkSession) -> Callable[..., Iterable[Any]]:
    """Return a `map` whose calls are tasks on executors, one each; results come in the order of the arguments."""

    def each(call: Callable[..., Any], *arguments: Iterable[Any]) -> Iterable[Any]:
        tasks = list(zip(*arguments, strict=True))

        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                numbers = batch.column(0)
                results = [pickle.dumps(call(*tasks[number])) for number in numbers.to_pylist()]
                yield pa.RecordBatch.from_arrays([numbers, pa.array(results, pa.binary())], ["number", "result"])

        frame = spark.range(0, len(tasks), 1, len(tasks))  # one number a partition
        rows = frame.mapInArrow(run, "number long, result binary").collect()
        return [pickle.loads(row.result) for row in sorted(rows, key=lambda row: row.number)]

    return each
