"""Sessions to scored sessions by `.transform` of a saved PipelineModel: the way of every model that does not ship.

The features come from one pass over Arrow batches, as for the trees that are called directly (`score.py`); the rest is
Spark's own. A model of somebody's own gives no reasons: the column is null.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.column import Column
from contracts.features import ACCOUNT_COLUMNS
from contracts.tables import SESSIONS
from models.errors import ModelError
from models.registry.artefact import Artefact
from spark_app.stages.arrays.timestamps import UTC_TIMESTAMP
from spark_app.stages.arrow_pass import BatchStep, in_one_pass
from spark_app.stages.sessions.compute_features import FEATURE_COLUMNS, compute_features
from spark_app.stages.sessions.unmeasurable import mask_unmeasurable

CLASSES = 2
MODEL_INPUT = (
    *FEATURE_COLUMNS,
    *(Column(name, "string", "of the account's row in static/users") for name in ACCOUNT_COLUMNS),
    Column("scored_at", "timestamp", "when the features were computed, by the clock of the worker that did"),
)
"""Columns of a session that a PipelineModel gets: all that is known before it is scored."""


@dataclass(frozen=True, slots=True)
class PipelineScorer:
    """A loaded PipelineModel and what it was verified as."""

    model: PipelineModel
    artefact: Artefact


def load_pipeline(artefact: Artefact) -> PipelineModel:
    """Load a verified model (`models.registry.verify.verify_artefact`); its folder may be deleted afterwards.

    Needs a running Spark. Raises ModelError where it does not load, or knows more or fewer than two classes.
    """
    try:
        model = PipelineModel.load(str(artefact.path))
    except Exception as error:  # whatever a reader of Spark raises about files that it cannot read
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(f"{artefact.version} does not load: {first[:300]}; save and zip the model again") from None
    for stage in _all_stages(model):
        classes = getattr(stage, "numClasses", CLASSES)
        if classes != CLASSES:
            raise ModelError(f"{artefact.version}: {stage.uid} knows {classes} classes, expected 2, honest and fraud")
    return model


def _all_stages(model: PipelineModel) -> list[Any]:
    stages: list[Any] = []
    for stage in model.stages:
        stages += _all_stages(stage) if isinstance(stage, PipelineModel) else [stage]
    return stages


def describe_sessions(session_input: DataFrame, unmeasurable: Collection[str], *before: BatchStep) -> DataFrame:
    """Turn SESSION_INPUT into MODEL_INPUT; `unmeasurable`: features that the world's source cannot tell.

    `before`: steps that make SESSION_INPUT.
    """
    describe = partial(describe_batch, unmeasurable=unmeasurable)
    return session_input.transform(in_one_pass, *before, describe, columns=MODEL_INPUT)


def describe_batch(
    batch: pa.RecordBatch, unmeasurable: Collection[str], clock: Callable[[], float] = time.time
) -> pa.RecordBatch:
    """Turn an Arrow batch of SESSION_INPUT into MODEL_INPUT. `clock` gives `scored_at` in epoch seconds."""
    features = mask_unmeasurable(compute_features(batch), unmeasurable)
    scored_at = pa.scalar(round(clock() * 1000) * 1000, UTC_TIMESTAMP)
    account = [batch.column(name) for name in ACCOUNT_COLUMNS]
    return pa.RecordBatch.from_arrays(
        [*features.columns, *account, pa.repeat(scored_at, batch.num_rows)], names=[c.name for c in MODEL_INPUT]
    )


def transform_sessions(sessions: DataFrame, scorer: PipelineScorer) -> DataFrame:
    """Turn MODEL_INPUT into SESSIONS with the model. The query dies where the model gives no number for a session."""
    artefact = scorer.artefact
    probability, margins = (
        vector_to_array(F.col(name)) for name in (artefact.pipeline.probability, artefact.pipeline.raw_prediction)
    )
    no_number = F.concat(
        F.lit(f"{artefact.version} gives no probability for session "),
        F.col("session_key"),
        F.lit(": a value that it needs is missing; train it with an Imputer"),
    )
    # Spark holds NaN for larger than any number: it would be a flag
    score = F.when(F.isnan(probability[1]), F.raise_error(no_number)).otherwise(probability[1])
    predicted = {
        "rawPrediction": margins,
        "probability": probability,
        "score": score,
        "prediction": (score >= artefact.review_threshold).cast("double"),
        "is_flagged": score >= artefact.review_threshold,
        "is_filtered": score >= artefact.filter_threshold,
        "reasons": F.lit(None),
        "model_version": F.lit(artefact.version),
        "date": F.to_date("ended_at"),
    }
    columns = [predicted.get(c.name, F.col(c.name)).cast(c.type).alias(c.name) for c in SESSIONS]
    return scorer.model.transform(sessions).select(*columns)
