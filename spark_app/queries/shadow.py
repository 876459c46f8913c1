"""Query `shadow`: what the challenger would say of each session, to lake/shadow/<challenger>, exactly once.

A challenger has a table and a checkpoint of its own, so a new one begins with the oldest session of the lake.
"""

import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from models.errors import ModelError
from models.registry.roles import Registry
from models.registry.verify import Artefact
from runtime.progress import note_shadow, noted_shadow
from runtime.world import Unit
from spark_app import guard, sources
from spark_app.errors import StateError
from spark_app.runner import first_line
from spark_app.stages.scoring.shadow import shadow

NAME = "shadow"
EVERY = "10 seconds"
MOST_FILES = 200
"""Of a micro-batch: catching up with a large lake must not take the cores from the champion for long."""
MEND = "delete both, and it begins with the oldest session again"


def write(spark: SparkSession, unit: Unit, challenger: Artefact) -> DataStreamWriter:
    """Append what the challenger says. Raises StateError where its table and checkpoint do not belong together."""
    table = unit.shadow(challenger.version)
    checkpoint = unit.checkpoints / NAME / table.name
    guard.check_pair(NAME, checkpoint, table, MEND)
    return (
        sources.stream_sessions(spark, unit, MOST_FILES)
        .transform(shadow, challenger)
        .writeStream.queryName(NAME)
        .format("parquet")
        .option("path", str(table))
        .option("checkpointLocation", str(checkpoint))
        .trigger(processingTime=EVERY)
    )


def writers(spark: SparkSession, unit: Unit, registry: Registry, into: Path) -> dict[str, DataStreamWriter]:
    """Return the query by name, unstarted; nothing where there is no challenger, or one that cannot be used.

    A challenger is optional: whatever is wrong with it is said in one line, and the champion scores on.
    """
    version = ""
    try:
        entry = registry.roles().challenger
        version = entry.version if entry else ""
        challenger = registry.challenger(into)
        found = {NAME: write(spark, unit, challenger)} if challenger else {}
    except (ModelError, StateError) as error:
        leave(unit, str(error), version)
        return {}
    except Exception as error:  # whatever a loader says of trees that it cannot read
        leave(unit, first_line(error), version)
        return {}
    note_shadow(unit, version)
    return found


def leave(unit: Unit, why: str, version: str | None = None) -> None:
    """Say that the challenger is out of the shadow, and write it down for the pages."""
    version = version if version is not None else noted_shadow(unit).get("model_version", "")
    note_shadow(unit, version, why)
    print(f"no shadow, {version or 'the challenger'}: {why}; the champion scores on", file=sys.stderr, flush=True)
