"""Features to predictions: a PipelineModel loaded from its zip, and `.transform` on the stream."""

from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.shop import PREDICTIONS, SESSION_KEYS, SHOP_FEATURES
from models.registry.artefact import ARTIFACTS
from models.registry.champions import SHOP_CHAMPIONS
from models.registry.verify import verify_artefact
from runtime.world import Unit
from spark_app.artefacts import CHAMPION, ModelChoice
from spark_app.shop import tables
from spark_app.stages.scoring.pipeline_model import PipelineScorer, load_pipeline

SHIPPED = "shop_gbt"
"""The model of the shop that ships."""
MODEL_COLUMNS = tuple(column.name for column in (*SESSION_KEYS, *SHOP_FEATURES))
"""Columns of the frame that a model gets."""
SHOWN = 20


def load_model(choice: ModelChoice = CHAMPION) -> PipelineScorer:
    """Verify a zip or artefact by its hash, and load it: the one that ships, or the one chosen. Raises ModelError."""
    path, sha256 = choice.path or ARTIFACTS / SHIPPED, choice.sha256 or SHOP_CHAMPIONS[SHIPPED]
    with TemporaryDirectory(prefix="playproof-shop-model-") as folder:
        artefact = verify_artefact(path, Path(folder), sha256, threshold=choice.threshold, columns=MODEL_COLUMNS)
        return PipelineScorer(load_pipeline(artefact), artefact)


def predict(features: DataFrame, scorer: PipelineScorer) -> DataFrame:
    """Add the model's margins, probabilities and prediction to the features: contracts.shop.PREDICTIONS.

    `prediction` is 1 from the artefact's threshold on, which is the model's own one in the model that ships.
    """
    raw, probability = scorer.artefact.pipeline.raw_prediction, scorer.artefact.pipeline.probability
    scored = scorer.model.transform(features).select(
        *features.columns,
        # vectors as arrays, so that any reader of parquet understands them
        vector_to_array(F.col(raw)).alias("rawPrediction"),
        vector_to_array(F.col(probability)).alias("probability"),
    )
    is_fraud = F.col("probability")[1] >= scorer.artefact.review_threshold
    return (
        scored.withColumn("prediction", is_fraud.cast("double"))
        .withColumn("scored_at", F.current_timestamp())
        .select(*(column.name for column in PREDICTIONS))
    )


def show(spark: SparkSession, unit: Unit, rows: int = SHOWN) -> None:
    """Read predictions back and show them, those most likely to be fraud first."""
    columns = ("session_id", "customer_id", "rawPrediction", "probability", "prediction")
    written = tables.read(spark, tables.PREDICTIONS, unit)
    written.orderBy(F.desc(F.col("probability")[1]), "session_id").select(*columns).show(rows, truncate=40)
