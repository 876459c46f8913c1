"""Described sessions to scored sessions: the model's columns, a score, a flag and its reasons.

The trees of the saved PipelineModel are asked directly, in one pass through Arrow. Its own `transform` gives the same
numbers (a test compares them) through a pandas column of lists, which cost 121 CPU-seconds against 44 here
(docs/bench.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import xgboost as xgb
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.features import TOP_REASONS
from contracts.tables import SESSIONS, ddl

_LATER = ("scored_at", "model_version", "date")
JUDGED = tuple(c for c in SESSIONS if c.name not in _LATER)
"""Columns of a session once the model has spoken."""
REASON = pa.struct([("feature", pa.string()), ("value", pa.float64()), ("contribution", pa.float64())])


@dataclass(frozen=True, slots=True)
class Judge:
    """All that a worker needs to score: the trees as XGBoost saves them, features in their order, thresholds."""

    trees: bytes
    features: tuple[str, ...]
    review_threshold: float
    filter_threshold: float


def judge_of(
    model: PipelineModel, *, features: Sequence[str], review_threshold: float, filter_threshold: float
) -> Judge:
    """Take what a worker needs out of a loaded model."""
    classifier: Any = model.stages[-1]
    return Judge(bytes(classifier.get_booster().save_raw("ubj")), tuple(features), review_threshold, filter_threshold)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the trees say of a batch of sessions; rows are sessions."""

    values: NDArray[np.float64]
    """By feature, in the judge's order; NaN is "not measurable"."""
    margin: NDArray[np.float64]
    score: NDArray[np.float64]
    matrix: xgb.DMatrix


def opinion_of(batch: pa.RecordBatch, judge: Judge) -> Opinion:
    """Ask the trees about described sessions."""
    values = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in judge.features])
    matrix = xgb.DMatrix(values.astype(np.float32), missing=np.nan, nthread=1)
    margin = _booster(judge.trees).predict(matrix, output_margin=True).astype(np.float64)
    return Opinion(values, margin, 1 / (1 + np.exp(-margin)), matrix)


def contributions_of(matrix: xgb.DMatrix, judge: Judge) -> NDArray[np.floating[Any]]:
    """Return what each feature adds to the margin, in log-odds: a row a session, a column a feature."""
    return _booster(judge.trees).predict(matrix, pred_contribs=True)[:, :-1]


@lru_cache(maxsize=2)
def _booster(trees: bytes) -> xgb.Booster:
    return xgb.Booster({"nthread": 1}, model_file=bytearray(trees))


def reasons_of(names: Sequence[str], values: NDArray[np.float64], contributions: NDArray[np.floating[Any]]) -> pa.Array:
    """Return for each session the features that push its score up most, at most TOP_REASONS, as list<REASON>.

    `values` and `contributions` (log-odds, without the bias) have a row a session, a column a name. Equal
    contributions keep the order of names; what speaks for the session is no reason.
    """
    top = np.argsort(-contributions, axis=1, kind="stable")[:, :TOP_REASONS]
    pushes = np.take_along_axis(contributions, top, axis=1).astype(np.float64)
    is_reason = pushes > 0
    offsets = np.concatenate([[0], np.cumsum(is_reason.sum(axis=1))]).astype(np.int32)
    chosen = pa.StructArray.from_arrays(
        [
            pa.array(names, pa.string()).take(pa.array(top[is_reason])),
            pa.array(np.take_along_axis(values, top, axis=1)[is_reason], pa.float64(), from_pandas=True),
            pa.array(pushes[is_reason]),
        ],
        fields=list(REASON),
    )
    return pa.ListArray.from_arrays(pa.array(offsets), chosen)


def judged(batch: pa.RecordBatch, judge: Judge) -> pa.RecordBatch:
    """Add the model's columns to described sessions."""
    found = opinion_of(batch, judge)
    score, margin = found.score, found.margin
    is_flagged = score >= judge.review_threshold
    columns = {name: batch.column(name) for name in batch.schema.names} | {
        "rawPrediction": _pairs(-margin, margin),
        "probability": _pairs(1 - score, score),
        "prediction": pa.array(is_flagged.astype(np.float64)),
        "score": pa.array(score),
        "is_flagged": pa.array(is_flagged),
        "is_filtered": pa.array(score >= judge.filter_threshold),
        "reasons": reasons_of(judge.features, found.values, contributions_of(found.matrix, judge)),
    }
    return pa.RecordBatch.from_arrays([columns[c.name] for c in JUDGED], names=[c.name for c in JUDGED])


def _pairs(no: NDArray[np.float64], yes: NDArray[np.float64]) -> pa.Array:
    flat = np.column_stack([no, yes]).ravel()
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, 2, dtype=np.int32)), pa.array(flat))


def _judged_batches(batches: Iterable[pa.RecordBatch], judge: Judge) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if batch.num_rows:
            yield judged(batch, judge)


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
    judge = judge_of(model, features=features, review_threshold=review_threshold, filter_threshold=filter_threshold)
    scored = (
        sessions.mapInArrow(partial(_judged_batches, judge=judge), ddl(JUDGED))
        .withColumn("model_version", F.lit(version))
        .withColumn("scored_at", F.current_timestamp())
        .withColumn("date", F.to_date("ended_at"))
    )
    return scored.select(*(c.name for c in SESSIONS))
