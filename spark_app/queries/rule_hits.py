"""Query `rule_hits`: which sessions meet the rules that run at the moment, to lake/rule_hits, exactly once.

The rules of a micro-batch are what topic `rules` holds when it begins, read on the driver and written into the
checkpoint: a micro-batch that is repeated after a crash has the same ones. The query is optional: whatever is wrong
with a rule, the topic or the broker, sessions are scored, and the last rules that could be read go on.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.rules import SESSION
from contracts.tables import SESSIONS
from contracts.topics import RULES
from models.rules.errors import RuleError
from models.rules.rule_set import RuleSet, rule_set_of
from models.rules.store import RuleStore
from models.rules.sync import send_rules
from runtime.errors import BrokerError
from runtime.kafka.compacted import CompactedTopic
from runtime.kafka.connection import KafkaConnection
from runtime.lake.commits import create_table
from runtime.lake.schemas import PARTITION
from runtime.lake.sink_tables import numbered_files
from runtime.monitoring.records import read_record, write_record
from runtime.monitoring.rules import record_rules
from runtime.storage import push, refresh, spark_path
from runtime.storage import remove as remove_file
from runtime.world import Unit, World
from spark_app import sources
from spark_app.queries.batch_files import WRITTEN, BatchFiles, commit
from spark_app.stages.rules.meet_rules import meet_rules, needed_columns

NAME = "rule_hits"
EVERY = "5 seconds"
COLUMNS = tuple(c.name for c in SESSIONS if c.name != PARTITION)
"""Of a session: what is read, as any rule may need any column."""
MAX_COMMITS = 100
"""Per micro-batch: catching up with a large lake must not take the cores from the model for long."""
PINNED = "rules"
"""Folder in the checkpoint: the rules of each micro-batch."""
KEPT_BATCHES = 100
"""Micro-batches whose rules are kept, as Spark keeps its own logs."""

ReadMessages = Callable[[], list[bytes]]


def write(spark: SparkSession, unit: Unit, kafka: KafkaConnection) -> DataStreamWriter:
    """Evaluate the rules over sessions as query `sessions` commits them."""
    evaluator = RuleEvaluator(unit, CompactedTopic(kafka, RULES).read)
    create_table(unit.table(NAME))
    checkpoint = unit.checkpoints / NAME
    return (
        sources.stream_sessions(spark, unit, COLUMNS, checkpoint, MAX_COMMITS)
        .writeStream.queryName(NAME)
        .foreachBatch(evaluator)
        .option("checkpointLocation", spark_path(checkpoint))
        .trigger(processingTime=EVERY)
    )


def send_record(world: World, kafka: KafkaConnection) -> None:
    """Send what the topic lacks of the world's rules: after `playproof up --fresh`, all of them. Why not: on stderr."""
    if not world.rules.exists():
        return
    topic = CompactedTopic(kafka, RULES)
    try:
        send_rules(RuleStore(world.rules), kafka, topic)
    except (BrokerError, RuleError) as error:
        print(f"rules are not sent ({error}): the job runs those of topic {RULES}", file=sys.stderr, flush=True)
    finally:
        topic.close()


@dataclass
class RuleEvaluator:
    """Writes the hits of micro-batches. It keeps the last rules that could be read."""

    unit: Unit
    read_messages: ReadMessages
    """Raises BrokerError where the topic cannot be read."""
    last: RuleSet = field(default_factory=RuleSet)
    _is_first: bool = True

    def __call__(self, sessions: DataFrame, batch_id: int) -> None:
        """Write the hits of one micro-batch; a second call with its id adds nothing."""
        rules, trouble = self._rules_of(batch_id)
        evaluate_batch(sessions, batch_id, unit=self.unit, rules=rules)
        record_rules(self.unit, batch_id, rules.as_dict(), trouble)

    def _rules_of(self, batch_id: int) -> tuple[RuleSet, str]:
        """Return the rules of a micro-batch, and why the topic could not be read; empty where it could."""
        folder = self.unit.checkpoints / NAME / PINNED
        refresh(folder)
        pinned = pinned_rules(folder, batch_id)
        if pinned is not None:
            self.last, self._is_first = pinned, False
            return pinned, ""
        if self._is_first:
            # a broker that is away at the start must not end the rules of the run before
            self.last, self._is_first = newest_pinned(folder) or self.last, False
        trouble = ""
        try:
            self.last = rule_set_of(self.read_messages())
        except BrokerError as error:
            trouble = str(error)
        pin_rules(folder, batch_id, self.last)
        return self.last, trouble


def pinned_rules(folder: Path, batch_id: int) -> RuleSet | None:
    """Return the rules that were written for a micro-batch; None where none were, or a crash left half of them."""
    try:
        return RuleSet.from_dict(read_record(folder / str(batch_id)))
    except (KeyError, TypeError, ValueError):
        return None


def newest_pinned(folder: Path) -> RuleSet | None:
    """Return the rules of the newest micro-batch; None before the first."""
    batches = numbered_files(folder)
    return pinned_rules(folder, max(batches)) if batches else None


def pin_rules(folder: Path, batch_id: int, rules: RuleSet) -> None:
    """Write the rules of a micro-batch, and forget those of old ones."""
    write_record(folder / str(batch_id), rules.as_dict())
    push(folder / str(batch_id))
    for old, file in numbered_files(folder).items():
        if old <= batch_id - KEPT_BATCHES:
            remove_file(file)


def evaluate_batch(sessions: DataFrame, batch_id: int, *, unit: Unit, rules: RuleSet) -> None:
    """Write one micro-batch's hits in one pass; nothing is read where no rule looks at sessions."""
    if not rules.of_grain(SESSION):
        return
    needed = sessions.select(*needed_columns(rules))
    files = partial(_written, rules=rules, table=unit.table(NAME).absolute(), batch_id=batch_id)
    commit(needed.mapInArrow(files, WRITTEN).collect(), unit, NAME, batch_id)


def _written(
    sessions: Iterable[pa.RecordBatch], rules: RuleSet, table: Path, batch_id: int
) -> Iterator[pa.RecordBatch]:
    files = BatchFiles(batch_id)
    for part in sessions:
        files.add(meet_rules(part, rules), table, unique=("session_key",))
    yield files.report()


def remove(unit: Unit, why: str) -> None:
    """Report on stderr, and for the pages, that no rules are evaluated any more."""
    record_rules(unit, -1, RuleSet().as_dict(), why)
    print(f"no rules are evaluated: {why}; the model scores on", file=sys.stderr, flush=True)
