"""Query `shadow`: the challenger's prediction for each session, to lake/shadow/<challenger>, exactly once.

Each challenger has its table and its checkpoint, so a new one begins with the oldest session of the lake.
"""

import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from models.errors import ModelError
from models.registry.artefact import Artefact
from models.registry.roles import Registry
from runtime.lake.commits import create_table
from runtime.lake.readers import missed_commits
from runtime.monitoring.progress import record_shadow, shadow_record
from runtime.storage import spark_path
from runtime.world import Unit
from spark_app import sources
from spark_app.checks import consistency
from spark_app.errors import StateError
from spark_app.queries.batch_files import WRITTEN, BatchFiles, commit
from spark_app.runner import first_line
from spark_app.stages.scoring.shadow import score_in_shadow

NAME = "shadow"
EVERY = "10 seconds"
MAX_COMMITS = 100
"""Per micro-batch: catching up with a large lake must not take the cores from the champion for long."""
REMEDY = "delete both, and it begins with the oldest session again"


def write(spark: SparkSession, unit: Unit, challenger: Artefact) -> DataStreamWriter:
    """Append the challenger's predictions.

    Raises StateError where its table and checkpoint do not belong together, or it was away for too long.
    """
    table = unit.shadow(challenger.version)
    checkpoint = unit.checkpoints / NAME / table.name
    consistency.check_output(NAME, checkpoint, table, REMEDY)
    consistency.check_numbers(unit, f"{NAME}/{table.name}", REMEDY)
    missed = missed_commits(unit, table.name)
    if missed:
        raise StateError(
            f"it was away while {missed:,} commits of lake/sessions came that the log no longer has, and would never "
            f"score their sessions; delete lake/{NAME}/{table.name} and checkpoints/{NAME}/{table.name}, and it begins "
            "with the oldest session again"
        )
    create_table(table, NAME)
    columns = ("session_key", "scored_at", *challenger.features)
    return (
        sources.stream_sessions(spark, unit, columns, checkpoint, MAX_COMMITS)
        .transform(score_in_shadow, challenger)
        .writeStream.queryName(NAME)
        .foreachBatch(partial(write_batch, unit=unit, table=table.absolute(), query=f"{NAME}/{table.name}"))
        .option("checkpointLocation", spark_path(checkpoint))
        .trigger(processingTime=EVERY)
    )


def write_batch(predictions: DataFrame, batch_id: int, *, unit: Unit, table: Path, query: str) -> None:
    """Write a micro-batch, and add it to the challenger's table."""
    written = predictions.mapInArrow(partial(_write_files, table=table, batch_id=batch_id), WRITTEN).collect()
    commit(written, unit, query, batch_id, {table: NAME})


def _write_files(batches: Iterable[pa.RecordBatch], table: Path, batch_id: int) -> Iterator[pa.RecordBatch]:
    files = BatchFiles(batch_id)
    for batch in batches:
        files.add(pa.Table.from_batches([batch]), table)
    yield files.report()


def find_challenger(registry: Registry, into: Path, unit: Unit) -> Artefact | None:
    """Verify the challenger and unpack it below `into`; None where there is none, or where `remove` reports why not."""
    version = ""
    try:
        entry = registry.roles().challenger
        if entry is None:
            record_shadow(unit, "")
            return None
        version = entry.version
        return registry.verified(entry, into)
    except ModelError as error:
        remove(unit, str(error), version)
        return None


def optional_query(spark: SparkSession, unit: Unit, challenger: Artefact | None) -> dict[str, DataStreamWriter]:
    """Return the query by name, unstarted; nothing where there is no challenger, or one that cannot be used.

    The challenger is optional: whatever is wrong with it is reported in one line, and the champion goes on.
    """
    if challenger is None:
        return {}
    try:
        query = write(spark, unit, challenger)
    except Exception as error:  # StateError, or whatever a loader raises about trees that it cannot read
        remove(unit, first_line(error), challenger.version)
        return {}
    record_shadow(unit, challenger.version)
    return {NAME: query}


def remove(unit: Unit, why: str, version: str | None = None) -> None:
    """Report on stderr that the challenger no longer scores, and note it for the pages."""
    version = version if version is not None else shadow_record(unit).get("model_version", "")
    record_shadow(unit, version, why)
    print(f"no shadow, {version or 'the challenger'}: {why}; the champion scores on", file=sys.stderr, flush=True)
