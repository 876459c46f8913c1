"""Sessions with features to scored sessions: a score, a flag and its reasons; a step over Arrow batches.

The trees of the saved PipelineModel are called directly. Its own `transform` gives the same numbers (a test compares
them), but through a pandas column of lists, which cost 121 CPU-seconds where this costs 44 (docs/studies/bench.md).
`scored_at` is the worker's clock: Spark writes its `current_timestamp()` into the code that it generates for these wide
rows, so it would compile that code again for every micro-batch.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import xgboost as xgb
from numpy.typing import NDArray

from contracts.features import TOP_REASONS
from contracts.tables import SESSIONS
from models.errors import ModelError
from models.registry.artefact import Artefact
from models.registry.source_patterns import SourcePattern, read_patterns, without_unknown
from runtime.arrays import Floats, Ints
from spark_app.stages.arrays.timestamps import UTC_TIMESTAMP

TREES = "stages/*/model/part-*"
"""Where a saved PipelineModel keeps the trees of its XGBoost stage."""
REASON = pa.struct([("feature", pa.string()), ("value", pa.float64()), ("contribution", pa.float64())])


@dataclass(frozen=True, slots=True)
class SessionScorer:
    """All that a worker needs to score: the trees in XGBoost's own format, the features in their order, thresholds."""

    trees: bytes
    features: tuple[str, ...]
    review_threshold: float
    filter_threshold: float
    version: str
    patterns: tuple[SourcePattern, ...] = ()
    """Thresholds by what a source cannot tell (`unknown.scorer_of_source`)."""
    unknown: tuple[str, ...] = ()
    """Features that the source at hand cannot tell: they are left out of score and reasons."""
    rounds_of_rows: int = 0
    """Of an alerts model that sees suspicion: its first trees, which see a session's rows alone; 0 of other models."""


def load_trees(artefact: Artefact) -> SessionScorer:
    """Load a verified model and return its parts that a worker needs. Needs no Spark, so a cluster need not see it.

    Raises ModelError where its trees may not be called without its other stages.
    """
    if not artefact.has_direct_trees:
        raise ModelError(
            f"{artefact.version} is not a VectorAssembler with trees of XGBoost: it runs with --model only"
        )
    # the stage keeps its trees in XGBoost's own format, in one line of a text file
    (part,) = artefact.path.glob(TREES)
    booster = xgb.Booster()
    booster.load_model(bytearray(part.read_bytes().strip()))
    return scorer_of(artefact, bytes(booster.save_raw("ubj")))


def scorer_of(artefact: Artefact, trees: bytes) -> SessionScorer:
    """Return the scorer of a verified model whose trees are read already."""
    return SessionScorer(
        trees, artefact.features, artefact.review_threshold, artefact.filter_threshold, artefact.version,
        read_patterns(artefact.manifest),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model predicts for n sessions."""

    values: Floats
    """The features, shape (n, features), in the scorer's order; NaN is "cannot be measured"."""
    margin: Floats
    """Log-odds of a bot, shape (n,)."""
    score: Floats
    """Probability of a bot, shape (n,)."""
    matrix: xgb.DMatrix


def predict(batch: pa.RecordBatch, scorer: SessionScorer) -> Predictions:
    """Score an Arrow batch of sessions that has the scorer's features."""
    values = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in scorer.features])
    matrix = xgb.DMatrix(values.astype(np.float32), missing=np.nan, nthread=1)
    margin = _booster(scorer.trees).predict(matrix, output_margin=True).astype(np.float64)
    return Predictions(values, margin, 1 / (1 + np.exp(-margin)), matrix)


def rows_margin(batch: pa.RecordBatch, scorer: SessionScorer) -> Floats:
    """Return the log-odds that the first trees of an alerts model give to an Arrow batch of looks, shape (n,)."""
    values = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in scorer.features])
    matrix = xgb.DMatrix(values.astype(np.float32), missing=np.nan, nthread=1)
    first = (0, scorer.rounds_of_rows)
    return _booster(scorer.trees).predict(matrix, output_margin=True, iteration_range=first).astype(np.float64)


def contributions(matrix: xgb.DMatrix, scorer: SessionScorer, rows: Ints | None = None) -> NDArray[np.floating[Any]]:
    """Return what each feature adds to the margin of each session, or of some `rows`, in log-odds: (n, features)."""
    count = matrix.num_row() if rows is None else len(rows)
    if not count:  # XGBoost has no columns then
        return np.empty((0, len(scorer.features)), np.float32)
    if rows is not None:
        matrix = matrix.slice(rows)
    return _booster(scorer.trees).predict(matrix, pred_contribs=True)[:, :-1]


@lru_cache(maxsize=2)
def _booster(trees: bytes) -> xgb.Booster:
    return xgb.Booster({"nthread": 1}, model_file=bytearray(trees))


def top_reasons(names: Sequence[str], values: Floats, contributed: NDArray[np.floating[Any]]) -> pa.Array:
    """Return for each session the features that raise its score most, at most TOP_REASONS, as list<REASON>.

    `values` and `contributed` (log-odds, without the bias) have shape (n, names). Equal contributions keep the order of
    names; a feature that lowers the score, or whose value is missing, is no reason.
    """
    # a value that is missing may raise a score too, but tells a person nothing
    contributed = np.where(np.isnan(values), 0.0, contributed)
    top = np.argsort(-contributed, axis=1, kind="stable")[:, :TOP_REASONS]
    of_top = np.take_along_axis(contributed, top, axis=1).astype(np.float64)
    is_reason = of_top > 0
    offsets = np.concatenate([[0], np.cumsum(is_reason.sum(axis=1))]).astype(np.int32)
    reasons = pa.StructArray.from_arrays(
        [
            pa.array(names, pa.string()).take(pa.array(top[is_reason])),
            pa.array(np.take_along_axis(values, top, axis=1)[is_reason], pa.float64(), from_pandas=True),
            pa.array(of_top[is_reason]),
        ],
        fields=list(REASON),
    )
    return pa.ListArray.from_arrays(pa.array(offsets), reasons)


def score_batch(batch: pa.RecordBatch, scorer: SessionScorer, clock: Callable[[], float] = time.time) -> pa.RecordBatch:
    """Turn an Arrow batch of FEATURE_COLUMNS into SESSIONS. `clock` gives `scored_at` in epoch seconds."""
    columns = {name: batch.column(name) for name in batch.schema.names} | prediction_columns(batch, scorer)
    scored_at_ms = round(clock() * 1000)
    columns["scored_at"] = pa.repeat(pa.scalar(scored_at_ms * 1000, UTC_TIMESTAMP), batch.num_rows)
    columns["date"] = batch.column("ended_at").cast(pa.date32())
    return pa.RecordBatch.from_arrays([columns[c.name] for c in SESSIONS], names=[c.name for c in SESSIONS])


def prediction_columns(batch: pa.RecordBatch, scorer: SessionScorer) -> dict[str, pa.Array]:
    """Return the columns of SESSIONS that the model gives, by name.

    Contributions cost 14 times the score itself, so only flagged sessions have reasons. Where the source cannot tell
    some features, the score needs the contributions of every session.
    """
    predicted = predict(batch, scorer)
    score, margin = predicted.score, predicted.margin
    contributed: NDArray[np.floating[Any]] | None = None
    if scorer.unknown:
        contributed = contributions(predicted.matrix, scorer)
        margin, contributed = without_unknown(margin, contributed, scorer.features, scorer.unknown)
        score = 1 / (1 + np.exp(-margin))
    is_flagged = score >= scorer.review_threshold
    flagged = np.flatnonzero(is_flagged)
    of_flagged = contributions(predicted.matrix, scorer, flagged) if contributed is None else contributed[flagged]
    reasons = top_reasons(scorer.features, predicted.values[flagged], of_flagged)
    return {
        "rawPrediction": _pairs(-margin, margin),
        "probability": _pairs(1 - score, score),
        "prediction": pa.array(is_flagged.astype(np.float64)),
        "score": pa.array(score),
        "is_flagged": pa.array(is_flagged),
        "is_filtered": pa.array(score >= scorer.filter_threshold),
        "reasons": lists_of_some(reasons, flagged, batch.num_rows),
        "model_version": pa.repeat(scorer.version, batch.num_rows),
    }


def lists_of_some(lists: pa.ListArray, rows: Ints, n: int) -> pa.ListArray:
    """Return `n` lists: those given for `rows`, which are ascending, and empty ones.

    >>> lists_of_some(pa.array([["a"], ["b", "c"]]), np.array([1, 3]), 4).to_pylist()
    [[], ['a'], [], ['b', 'c']]
    """
    lengths = np.zeros(n, np.int64)
    lengths[rows] = lists.value_lengths().to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), lists.flatten())


def _pairs(honest: Floats, bot: Floats) -> pa.Array:
    """Return one list of two numbers per session, in the order of the model's classes."""
    flat = np.column_stack([honest, bot]).ravel()
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, 2, dtype=np.int32)), pa.array(flat))
