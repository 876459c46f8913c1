"""What the false-alarm audit reads of a world that no job has seen: its sessions, scored, and its user-days."""

from pyspark.sql import SparkSession

from models.registry.verify import Artefact
from runtime.world import World
from spark_app.batch import user_days
from spark_app.batch.training_table import gathered_of
from spark_app.stages.scoring.score import judge_of, score

SESSIONS = "scored_sessions"


def build(spark: SparkSession, world: World, artefact: Artefact) -> tuple[int, int]:
    """Write both tables from raw rows, over what stood there; return their numbers of rows."""
    scored = gathered_of(spark, world).transform(score, judge_of(artefact), world.not_measurable)
    folders = [str(world.from_raw(SESSIONS)), str(user_days.build(spark, world, "raw"))]
    scored.coalesce(1).write.mode("overwrite").parquet(folders[0])
    sessions, days = (spark.read.parquet(folder).count() for folder in folders)
    return sessions, days
