"""Described sessions to scored sessions: the model's columns, a score, a flag and its reasons."""

from collections.abc import Sequence

from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import TOP_REASONS
from contracts.tables import SESSIONS
from models.registry import CONTRIBUTIONS


def reasons_of(names: Sequence[str], contributions: Column) -> Column:
    """Return the features that push the score up most, with value and contribution in log-odds; at most TOP_REASONS.

    `contributions` is an array in the order of `names`, the bias last.
    """
    values = F.array(*(F.col(name) for name in names))
    labels = F.array(*map(F.lit, names))
    ranked = F.array_sort(
        F.transform(
            F.slice(contributions, 1, len(names)),
            lambda c, i: F.struct((-c.cast("double")).alias("down"), i.alias("i")),
        )
    )
    top = F.filter(F.slice(ranked, 1, TOP_REASONS), lambda r: r["down"] < 0)
    return F.transform(
        top,
        lambda r: F.struct(
            F.get(labels, r["i"]).alias("feature"),
            F.get(values, r["i"]).alias("value"),
            (-r["down"]).alias("contribution"),
        ),
    )


def score(
    sessions: DataFrame,
    model: PipelineModel,
    *,
    features: Sequence[str],
    review_threshold: float,
    filter_threshold: float,
    version: str,
) -> DataFrame:
    """Score described sessions: adds the columns of SESSIONS that describe lacks."""
    suspicion = F.col("score")
    scored = (
        model.transform(sessions)
        .withColumn("rawPrediction", vector_to_array(F.col("rawPrediction")))
        .withColumn("probability", vector_to_array(F.col("probability")))
        .withColumn("score", F.col("probability")[1])
        .withColumn("is_flagged", suspicion >= review_threshold)
        .withColumn("is_filtered", suspicion >= filter_threshold)
        .withColumn("prediction", F.col("is_flagged").cast("double"))
        # one list of contributions to the margin for each class but the first; of two classes that is one
        .withColumn("reasons", reasons_of(features, F.col(CONTRIBUTIONS)[0]))
        .withColumn("model_version", F.lit(version))
        .withColumn("scored_at", F.current_timestamp())
        .withColumn("date", F.to_date("ended_at"))
    )
    return scored.select(*(c.name for c in SESSIONS))
