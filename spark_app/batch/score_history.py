"""Raw rows that no job has read: their sessions, scored, and their user-days, made on Spark."""

from pyspark.sql import SparkSession

from contracts.events import PLAYS
from models.registry.artefact import Artefact
from models.tables.sessions import SCORED_IN_BATCH
from runtime.settings import Settings
from runtime.world import World
from spark_app.artefacts import ModelChoice, open_artefacts
from spark_app.batch import user_days
from spark_app.batch.training_table import raw_sessions
from spark_app.pipeline import score_sessions
from spark_app.session import batch_session
from spark_app.stages.scoring.load import load_scorer, scoring_message


def score_world(settings: Settings, model: ModelChoice, memory: str) -> tuple[int, int]:
    """Start Spark and score the settings' world with `model`; return what `build` returns.

    Raises WorldError before Spark starts where the world has no raw rows.
    """
    world = settings.the_world()
    world.raw_files(PLAYS)
    with (
        open_artefacts(settings, model) as artefacts,
        batch_session("playproof-score-history", settings, memory) as spark,
    ):
        print(scoring_message(artefacts.champion))
        return build(spark, world, artefacts.champion)


def build(spark: SparkSession, world: World, artefact: Artefact) -> tuple[int, int]:
    """Write both tables from raw rows, over those of an earlier run; return their numbers of rows."""
    scored = raw_sessions(spark, world).transform(score_sessions, world.not_measurable, load_scorer(artefact))
    folders = [str(world.from_raw(SCORED_IN_BATCH)), str(user_days.build(spark, world, "raw"))]
    scored.coalesce(1).write.mode("overwrite").parquet(folders[0])
    sessions, days = (spark.read.parquet(folder).count() for folder in folders)
    return sessions, days
