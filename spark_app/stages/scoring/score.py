"""Gathered sessions to scored sessions: features, the model's columns, a score, a flag and its reasons.

The trees of the saved PipelineModel are asked directly, in the pass through Arrow in which the sessions are described.
Its own `transform` gives the same numbers (a test compares them) through a pandas column of lists, which cost 121
CPU-seconds against 44 here (docs/studies/bench.md). The time is the worker's clock: Spark's `current_timestamp()` is
written into the code that it generates for these wide rows, so every micro-batch would compile it again.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import xgboost as xgb
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame

from contracts.features import TOP_REASONS
from contracts.tables import SESSIONS, ddl
from models.registry.artefact import Artefact
from spark_app.stages.parsing.row_rules import STAMP
from spark_app.stages.sessions.compute_features import GATHERED, described

REASON = pa.struct([("feature", pa.string()), ("value", pa.float64()), ("contribution", pa.float64())])


@dataclass(frozen=True, slots=True)
class Judge:
    """All that a worker needs to score: the trees as XGBoost saves them, features in their order, thresholds."""

    trees: bytes
    features: tuple[str, ...]
    review_threshold: float
    filter_threshold: float
    version: str


def judge_of(artefact: Artefact) -> Judge:
    """Load a verified model, and take out of it what a worker needs."""
    classifier: Any = PipelineModel.load(str(artefact.path)).stages[-1]
    trees = bytes(classifier.get_booster().save_raw("ubj"))
    return Judge(trees, artefact.features, artefact.review_threshold, artefact.filter_threshold, artefact.version)


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


def judged(batch: pa.RecordBatch, judge: Judge, at_ms: int) -> pa.RecordBatch:
    """Score DESCRIBED sessions at a time (epoch ms): SESSIONS."""
    columns = {name: batch.column(name) for name in batch.schema.names} | judgement(batch, judge)
    columns["scored_at"] = pa.repeat(pa.scalar(at_ms * 1000, STAMP), batch.num_rows)
    columns["date"] = batch.column("ended_at").cast(pa.date32())
    return pa.RecordBatch.from_arrays([columns[c.name] for c in SESSIONS], names=[c.name for c in SESSIONS])


def judgement(batch: pa.RecordBatch, judge: Judge) -> dict[str, pa.Array]:
    """Return the model's columns for described sessions."""
    found = opinion_of(batch, judge)
    score, margin = found.score, found.margin
    is_flagged = score >= judge.review_threshold
    return {
        "rawPrediction": _pairs(-margin, margin),
        "probability": _pairs(1 - score, score),
        "prediction": pa.array(is_flagged.astype(np.float64)),
        "score": pa.array(score),
        "is_flagged": pa.array(is_flagged),
        "is_filtered": pa.array(score >= judge.filter_threshold),
        "reasons": reasons_of(judge.features, found.values, contributions_of(found.matrix, judge)),
        "model_version": pa.repeat(judge.version, batch.num_rows),
    }


def _pairs(no: NDArray[np.float64], yes: NDArray[np.float64]) -> pa.Array:
    flat = np.column_stack([no, yes]).ravel()
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, 2, dtype=np.int32)), pa.array(flat))


def score(sessions: DataFrame, judge: Judge, not_measurable: Collection[str] = ()) -> DataFrame:
    """Describe and score GATHERED sessions, in one pass through Python: SESSIONS."""
    scored = partial(_scored_batches, judge=judge, not_measurable=not_measurable)
    return sessions.select(*GATHERED).mapInArrow(scored, ddl(SESSIONS))


def _scored_batches(
    batches: Iterable[pa.RecordBatch], judge: Judge, not_measurable: Collection[str]
) -> Iterator[pa.RecordBatch]:
    for batch in described(batches, not_measurable):
        yield judged(batch, judge, round(time.time() * 1000))
