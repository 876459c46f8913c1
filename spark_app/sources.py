"""What the job reads: topics, static tables, and the lake's sessions as a stream."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial, reduce
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.events import ACTIVITY, PLAYS
from contracts.tables import SESSIONS, STATIC, ddl
from runtime.kafka.connection import KafkaConnection
from runtime.lake import LOG
from runtime.lake.commits import create_table
from runtime.lake.readers import SNAPSHOT, note_snapshot
from runtime.lake.schemas import PARTITION, arrow_schema
from runtime.parquet import read_parquet
from runtime.storage import readable, spark_path
from runtime.world import Unit, World
from spark_app.local.account_files import write_account_files
from spark_app.local.rows import read_static_folder
from spark_app.stages.alerts.account_lookup import AccountLookup
from spark_app.stages.alerts.send_accounts import send_accounts
from spark_app.stages.sessions.account_baselines import AccountBaselines

MAX_LOG_AGE = "1d"
"""How long a report's checkpoint knows the names of the commits that it has read; upkeep removes them sooner."""
NEWEST_BASELINES = 3
"""Tables of own histories that the job reads: the newest, and two older ones for sessions of earlier days."""


FETCH_WAIT_MS = 10
"""How long the broker waits for a first new message before it answers that there is none."""
TYPICAL_MESSAGES = {PLAYS: 1, ACTIVITY: 2}
"""Messages of activity per message of plays in a simulated world (24,279 to 12,115 in `default`, seed 3)."""
MIN_MESSAGES = 20
"""With fewer messages of a topic, the proportion of TYPICAL_MESSAGES is taken instead of the topics' own."""


def balance(messages: Mapping[str, int], maximum: int) -> dict[str, int]:
    """Return the messages of each topic per micro-batch: `maximum` of the fuller one, so that both topics end together.

    A topic that is ahead of the other in event time waits in the state, as sessions that cannot close yet. With equal
    numbers of messages, a backlog kept days of plays in the state, at three quarters of the speed
    (docs/studies/bench.md).

    >>> balance({"plays": 1000, "activity": 4000}, 3000)
    {'plays': 750, 'activity': 3000}
    """
    if min(messages.values()) < MIN_MESSAGES:
        messages = TYPICAL_MESSAGES
    fullest = max(messages.values())
    return {topic: max(1, round(maximum * count / fullest)) for topic, count in messages.items()}


def read_topic(
    spark: SparkSession, topic: str, kafka: KafkaConnection, max_messages: int, clock_ahead_ms: int
) -> DataFrame:
    """Stream a topic's messages: topic, partition, offset, value, headers, limit_ms; at most `max_messages` a trigger.

    `limit_ms` is the latest time that clock and rows of a message may have: `clock_ahead_ms` after it was appended.
    """
    stream = stream_topic(spark, topic, kafka, max_messages)
    limit = F.unix_millis("timestamp") + F.lit(clock_ahead_ms)
    return stream.select(
        F.lit(topic).alias("topic"), "partition", "offset", "value", "headers", limit.alias("limit_ms")
    )


def stream_topic(spark: SparkSession, topic: str, kafka: KafkaConnection, max_messages: int) -> DataFrame:
    """Stream a topic from its beginning, with all of Kafka's columns; at most `max_messages` per micro-batch."""
    return (
        spark.readStream.format("kafka")
        .options(**kafka.spark())
        .option("subscribe", topic)
        # rows of a transaction that its producer took back were never sent
        .option("kafka.isolation.level", "read_committed")
        .option("includeHeaders", "true")
        # a consumer asks for more before it hands on what came, and the broker answers in turn: by default, whatever a
        # task asks next waits half a second for rows that nobody has sent yet
        .option("kafka.fetch.max.wait.ms", str(FETCH_WAIT_MS))
        # the default, latest, loses what was sent before the first start
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", max_messages)
        .load()
    )


def read_static(spark: SparkSession, world: World, table: str) -> DataFrame:
    """Read the newest immutable folder of a static table, parquet or CSV, with the contract's schema."""
    return _read_folder(spark, world.static(table), table)


def baseline_dates(world: World) -> tuple[date, ...]:
    """Return the dates of the tables of own histories that the job reads."""
    return world.static_dates("user_baselines")[-NEWEST_BASELINES:]


def read_baselines(spark: SparkSession, world: World) -> AccountBaselines | None:
    """Read the newest tables of own histories; None where the world has none."""
    dates = baseline_dates(world)
    tables = [
        _read_folder(spark, world.root / "static" / "user_baselines" / f"as_of={as_of}", "user_baselines").withColumn(
            "as_of", F.lit(as_of)
        )
        for as_of in dates
    ]
    return AccountBaselines(reduce(DataFrame.unionByName, tables), dates) if tables else None


def send_accounts_of(spark: SparkSession, world: World) -> Callable[[], AccountLookup]:
    """Send the static table users, and the own histories that `read_baselines` reads, to the workers as files.

    Returns what opens them there. Raises WorldError where there are no users.
    """
    # unique, as the names of files must be in a Spark session; of this process, and gone with it
    folder = Path(tempfile.mkdtemp(prefix="accounts-"))
    return send_accounts(spark, *write_account_files(world, baseline_dates(world), folder))


def _read_folder(spark: SparkSession, folder: Path, table: str) -> DataFrame:
    if not (spark.sparkContext.master or "local").startswith("local"):
        return read_on_driver(spark, folder, table)
    schema = ddl(STATIC[table])
    if any(folder.glob("*.parquet")):
        return spark.read.schema(schema).parquet(str(folder))
    return spark.read.schema(schema).option("header", "true").csv(str(folder))


def read_on_driver(spark: SparkSession, folder: Path, table: str) -> DataFrame:
    """Read a folder of a static table as `read_static` does, on a cluster whose workers do not see the folder."""
    return spark.createDataFrame(read_static_folder(folder, table), ddl(STATIC[table]))


def stream_sessions(
    spark: SparkSession, unit: Unit, columns: Sequence[str], checkpoint: Path, max_commits: int | None = None
) -> DataFrame:
    """Stream columns of the lake's scored sessions as query `sessions` commits them, the oldest first.

    The stream is that of the table's log: each commit is a file of lines that name parquet files, which a Python worker
    reads. So no connector is needed, and a commit of upkeep, which only merges files, has no line that counts.
    `checkpoint` is that of the query that reads. Its first start notes what the table has by then, since the log's old
    files are removed after a while. At most `max_commits` per micro-batch.
    """
    table = unit.table("sessions")
    create_table(table)
    since, snapshot = note_snapshot(table, checkpoint / SNAPSHOT, max_commits)
    options = {"pathGlobFilter": "*.json", "maxFileAge": MAX_LOG_AGE}
    if max_commits is not None:
        options["maxFilesPerTrigger"] = str(max_commits)
    reader = spark.readStream.format("text").options(**options)
    version = F.element_at(F.split("_metadata.file_name", r"\."), 1).cast("bigint")
    lines = reader.load(spark_path(table / LOG)).where(version > since).select("value")
    if snapshot is not None:
        lines = lines.unionByName(reader.load(spark_path(snapshot)))
    path, counts = (F.get_json_object("value", f"$.add.{key}") for key in ("path", "dataChange"))
    wanted = tuple(c for c in SESSIONS if c.name in columns and c.name != PARTITION)
    return (
        lines.select(path.alias("path"), counts.alias("counts"))
        .where("path is not null and counts = 'true'")
        .select("path")
        # one row per session
        .mapInArrow(partial(_read_files, table=table.absolute(), schema=arrow_schema(wanted)), ddl(wanted))
    )


def _read_files(batches: Iterable[pa.RecordBatch], table: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for path in batch.column("path").to_pylist():
            yield from read_parquet(readable(table / path), schema.names).cast(schema).to_batches()


def stream_ticks(spark: SparkSession) -> DataFrame:
    """Stream one row per micro-batch: `scored_at`, the time at which the micro-batch was planned.

    A query that reads it next to its data has a micro-batch at every trigger, also where no data comes. The time is in
    the checkpoint with the offsets, so a micro-batch that is repeated has the same one; and after a pause there is one
    row, where the source `rate` would have one for each second of it.
    """
    ticks = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).option("numPartitions", 1).load()
    return ticks.select(F.current_timestamp().alias("scored_at"))


def with_ticks(sessions: DataFrame) -> DataFrame:
    """Add the ticks to streamed sessions, rows of which only `scored_at` is known; a table has none."""
    if not sessions.isStreaming:
        return sessions
    return sessions.unionByName(stream_ticks(sessions.sparkSession), allowMissingColumns=True)
