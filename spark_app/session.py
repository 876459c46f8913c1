"""The SparkSession, with every setting whose default does not work here."""

import atexit
import logging
import os
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from runtime import jvm, resources
from runtime.settings import Settings
from runtime.storage.bucket import Storage
from spark_app.own_pages import answer_own_names_only
from spark_app.scratch import use_scratch_folder

QUIET_LOGS = Path(__file__).parent / "log4j2.properties"
POOLS = Path(__file__).parent / "pools.xml"
"""Which query's tasks go first (docs/latency.md)."""
LOOPBACK = "127.0.0.1"
SECRET_NAMES = r"(?i)secret|password|token|access[.]?key|jaas|keystore[.]key"
"""Options that Spark's pages and plans show as redacted: its own list, and Kafka's login and private key."""
DEEP_STACKS = "-Xss4m"
"""Spark's planner and its regular expressions recurse."""


JVM_FLAGS = "-XX:+UseParallelGC -XX:NewRatio=1"
"""Collector and sizes of the heap where nothing else is asked for.

The job has `jvm.QUICK_FLAGS`: its rows cross the JVM packed, so there is little for the second compiler to make faster,
and what it compiles costs more than it saves (docs/studies/bench.md)."""
WRITES_CODE = "spark.sql.codegen.wholeStage"
STREAMING = {
    # a thousand sessions per batch to Python fit in the cache, while the JVM prepares the next batch
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    # the driver looks at a list of files: by default, one of over 32 files is a job with a task for each
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "1000000",
    # rows are few in Spark's own hands: messages, packed rows, lines of a report. To write and compile code for each
    # stage of each micro-batch takes longer than they do without (docs/latency.md)
    WRITES_CODE: "false",
    # a checkpoint has so many micro-batches of each log and state, in two files each; by default 100, which a query of
    # one per minute reaches after two hours. A restart needs the last two, the copies of offsets those since the last
    "spark.sql.streaming.minBatchesToRetain": "40",
    # many small files are one task: by default, each counts as 4 MB
    "spark.sql.files.openCostInBytes": "131072",
}
"""Settings of the streaming job only."""
SHIPPED = ("contracts", "runtime", "models", "spark_app")
"""Packages that stages import on executors."""
BATCH = {
    # ten times the default: NumPy gets complete accounts, whatever the size of a batch
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
}
"""Settings of the batch commands over accounts."""
BATCH_PARTITIONS = 32
"""Shuffle partitions of batch runs: small enough pieces for a driver of a few GB at ten million rows."""


def build_session(
    name: str,
    *,
    master: str = "local[*]",
    partitions: int | None = None,
    memory: str = "3g",
    jvm_flags: str = "",
    ui: bool = False,
    with_kafka: bool = True,
    storage: Storage | None = None,
    settings_of_run: Mapping[str, str] | None = None,
    scratch: Path | None = None,
    **conf: str,
) -> SparkSession:
    """Start Spark, or return the running session. On a cluster (`master` is not local) our code is sent along.

    `partitions` is the number of shuffle partitions (default: the cores of this machine; 200, Spark's own default, made
    batches 6× slower: decision 0012). It is frozen in a checkpoint. `jvm_flags`: empty for JVM_FLAGS. `scratch` is a
    folder for temporary files on this machine. `storage`: the bucket of tables and checkpoints. `conf` adds settings,
    `__` standing for a dot. Raises JvmError where Java or the jars of Kafka's connector or of buckets are missing.
    """
    # it logs what `foreachBatch` raises, with a traceback; the query has it too, and the runner tells it
    logging.getLogger("py4j.clientserver").setLevel(logging.CRITICAL)
    is_local, is_here = master.startswith("local"), master.startswith("local") or LOOPBACK in master
    if is_here:
        os.environ["SPARK_LOCAL_IP"] = LOOPBACK
    jvm.use_own_spark(is_local=is_local)
    os.environ.setdefault("PYTHONPATH", "")
    if str(resources.CODE) not in os.environ["PYTHONPATH"].split(os.pathsep):
        # workers import our stages from the checkout
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(resources.CODE), os.environ["PYTHONPATH"]]))
    jvm_flags = jvm_flags or JVM_FLAGS
    if scratch is not None:
        jvm_flags += f' -Djava.io.tmpdir="{scratch}"'
    logs = f'-Dlog4j2.configurationFile="{QUIET_LOGS.as_uri()}"'
    settings = {
        "spark.master": master,
        "spark.app.name": name,
        "spark.driver.memory": memory,
        # the whole heap from the start: a heap that grows is collected far more often (docs/studies/bench.md)
        "spark.driver.extraJavaOptions": f"-Xms{memory} {jvm_flags} {DEEP_STACKS} {logs}",
        "spark.executor.extraJavaOptions": DEEP_STACKS,
        "spark.ui.enabled": str(ui).lower(),
        # the page has no login: a form of any site that is open in a browser could stop the job
        "spark.ui.killEnabled": "false",
        "spark.redaction.regex": SECRET_NAMES,
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(partitions or os.cpu_count() or 2),
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.scheduler.mode": "FAIR",
        "spark.scheduler.allocation.file": f"file://{POOLS}",
        "spark.sql.streaming.stopTimeout": "25s",
        # the plans of eight queries have more classes than the default, 100: they would be compiled again and again
        "spark.sql.codegen.cache.maxEntries": "1000",
        # a task's files are few: keep one writer per date open instead of sorting every batch by date
        "spark.sql.maxConcurrentOutputFileWriters": "8",
        # Hadoop starts processes, `readlink` and `chmod`, for what it does to a local file: a dozen for each file of a
        # checkpoint with the usual file manager, two with this one. The job had 70 in a second (docs/latency.md)
        "spark.sql.streaming.checkpointFileManagerClass": (
            "org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager"
        ),
    }
    if is_here:
        # executors on other machines need the driver's network address: Spark finds it, or spark-defaults sets it
        settings |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    if is_local:
        # shuffled rows stay in this machine's page cache: compressing them costs more than it saves
        settings |= {"spark.shuffle.compress": "false", "spark.shuffle.spill.compress": "false"}
        # and they cross no network that could damage them
        settings |= {"spark.shuffle.checksum.enabled": "false"}
        settings |= {"spark.python.daemon.module": "spark_app.python_daemon"}
        # a path is one of this machine, whatever HADOOP_CONF_DIR says; a storage's has its scheme
        settings |= {"spark.hadoop.fs.defaultFS": "file:///"}
        settings |= {"spark.local.dir": str(scratch)} if scratch is not None else {}
    added = [str(path) for path in jvm.jars("connector")] if with_kafka else []
    if storage is not None:
        added += [str(path) for name in storage.endpoint.jars for path in jvm.jars(name)]
        settings |= storage.endpoint.for_spark()
        settings |= {f"spark.executorEnv.{name}": value for name, value in storage.for_workers().items()}
    if added and is_local:
        settings["spark.driver.extraClassPath"] = os.pathsep.join(added)
    elif added:
        settings["spark.jars"] = ",".join(added)
    settings |= dict(settings_of_run or {}) | {key.replace("__", "."): value for key, value in conf.items()}
    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    if not is_local:
        ship_code(spark)
    if is_here:  # elsewhere, who looks at them calls them as the network does
        answer_own_names_only(spark)
    return spark


def submitted_master() -> str | None:
    """Return the master that `spark-submit` was given; None where it did not start this process."""
    if jvm.SUBMITTED not in os.environ:
        return None
    SparkContext._ensure_initialized()  # before it knows the JVM, a SparkConf is empty
    return SparkConf().get("spark.master")


@contextmanager
def batch_session(name: str, settings: Settings, memory: str) -> Iterator[SparkSession]:
    """Start Spark for a batch command, and stop it at the end of the context."""
    spark = build_session(
        name,
        master=settings.spark_master,
        partitions=BATCH_PARTITIONS,
        memory=memory,
        with_kafka=False,
        settings_of_run=BATCH,
        jvm_flags=settings.spark_jvm_flags,
        scratch=use_scratch_folder(),
    )
    try:
        yield spark
    finally:
        spark.stop()


def ship_code(spark: SparkSession) -> None:
    """Send the packages that executors import; the libraries (docs/cluster.md) are theirs."""
    folder = tempfile.TemporaryDirectory(prefix="playproof-code-")
    # executors fetch it whenever they start, so it stays as long as this process
    atexit.register(folder.cleanup)
    archive = Path(folder.name) / "playproof.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for package in SHIPPED:
            for file in sorted((resources.CODE / package).rglob("*.py")):
                packed.write(file, file.relative_to(resources.CODE))
    spark.sparkContext.addPyFile(str(archive))


def run_in_utc() -> None:
    """Set the time zone of this process to UTC.

    Spark collects times as naive ones in the machine's zone, and converts them back in the same way: in the hour that
    the end of summer time repeats, the result would be wrong by an hour.
    """
    os.environ["TZ"] = "UTC"
    time.tzset()
