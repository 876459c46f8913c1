"""Beginnings of sessions with features to scores, by the trees of the alerts model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.registry.source_patterns import without_unknown
from runtime.arrays import Floats, Ints
from spark_app.stages.scoring.score import Predictions, SessionScorer, contributions, predict, top_reasons


@dataclass(frozen=True, slots=True)
class LookScores:
    """Scores of n looks, and on demand their reasons: contributions cost many times as much as a score."""

    score: Floats
    """In [0, 1], without what the features that the source cannot tell would add; shape (n,)."""
    predicted: Predictions
    scorer: SessionScorer

    def reasons(self, looks: Ints) -> list[list[dict[str, Any]]]:
        """Return the features that raise the scores of some looks most, as records of REASON."""
        features, unknown = self.scorer.features, self.scorer.unknown
        contributed = contributions(self.predicted.matrix, self.scorer, looks)
        _, contributed = without_unknown(self.predicted.margin[looks], contributed, features, unknown)
        listed: list[list[dict[str, Any]]] = top_reasons(
            features, self.predicted.values[looks], contributed
        ).to_pylist()
        return listed


def score_looks(features: pa.RecordBatch, scorer: SessionScorer) -> LookScores:
    """Score an Arrow batch that has the scorer's features, a row per look."""
    predicted = predict(features, scorer)
    if not scorer.unknown:
        return LookScores(predicted.score, predicted, scorer)
    contributed = contributions(predicted.matrix, scorer)
    margin, _ = without_unknown(predicted.margin, contributed, scorer.features, scorer.unknown)
    return LookScores(1 / (1 + np.exp(-margin)), predicted, scorer)


def score_looks_of(looks: pd.DataFrame, scorer: SessionScorer) -> Floats:
    """Score a table of looks (`spark_app.local.looks.look_table`): one score per row, in [0, 1]."""
    columns = [pa.array(looks[name], pa.float64(), from_pandas=True) for name in scorer.features]
    return score_looks(pa.RecordBatch.from_arrays(columns, names=list(scorer.features)), scorer).score
