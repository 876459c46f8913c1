"""Beginnings of sessions with features to scores, by the trees of the alerts model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.features import SUSPICION
from models.registry.source_patterns import without_unknown
from models.risk.suspicion import NOTHING, LookMargins, follow, margins_of
from runtime.arrays import Floats, Ints
from spark_app.stages.alerts.looks import Looks
from spark_app.stages.scoring.score import Predictions, SessionScorer, contributions, predict, rows_margin, top_reasons


def look_margins(features: pa.RecordBatch, scorer: SessionScorer, rows: pa.Table, looks: Looks) -> LookMargins:
    """Return what the rows of looks alone say: the log-odds of the scorer's first trees, which see nothing else.

    `features`: of the looks, without suspicion. `rows`: ROWS, in which the looks are.
    """
    user, event_ms = rows["user"].to_numpy(), rows["event_ms"].to_numpy()
    return LookMargins(
        user[looks.first], event_ms[looks.first], looks.at_ms, looks.at_ms == event_ms[looks.last],
        _margin_of_rows(features, scorer),
    )  # fmt: skip


def _margin_of_rows(features: pa.RecordBatch, scorer: SessionScorer) -> Floats:
    """Return the log-odds of the first trees; NaN, which leaves nothing behind, where the model sees no suspicion."""
    return rows_margin(features, scorer) if scorer.rounds_of_rows else np.full(features.num_rows, np.nan)


def with_suspicion(features: pa.RecordBatch, before: Floats) -> pa.RecordBatch:
    """Set the suspicion before the session, NaN for none, where the scorer has that feature."""
    at = features.schema.get_field_index(SUSPICION.name)
    if at < 0:
        return features
    return features.set_column(at, SUSPICION.name, pa.array(before, pa.float64(), from_pandas=True))


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
    features = pa.RecordBatch.from_arrays(columns, names=list(scorer.features))
    margins = margins_of(looks, _margin_of_rows(features, scorer))
    return score_looks(with_suspicion(features, follow(NOTHING, margins)[0]), scorer).score
