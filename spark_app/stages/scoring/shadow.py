"""Scored sessions to a challenger's predictions: the same features, another model's trees.

Its input is what the champion's query has committed, so no failure here can change a flag.
"""

from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from contracts.tables import SHADOW
from models.registry.artefact import Artefact
from spark_app.stages.arrow_pass import in_one_pass
from spark_app.stages.scoring.score import REASON, SessionScorer, contributions, load_trees, predict, top_reasons


def score_in_shadow(sessions: DataFrame, challenger: Artefact) -> DataFrame:
    """Turn sessions of the lake into the challenger's predictions: SHADOW."""
    needed = sessions.select("session_key", "scored_at", *challenger.features)
    return needed.transform(in_one_pass, partial(shadow_batch, scorer=load_trees(challenger)), columns=SHADOW)


def shadow_batch(batch: pa.RecordBatch, scorer: SessionScorer) -> pa.RecordBatch:
    """Turn an Arrow batch of session_key, scored_at and features into SHADOW.

    Contributions are the expensive part: reasons are computed only for sessions that the challenger would flag.
    """
    predicted = predict(batch, scorer)
    would_flag = predicted.score >= scorer.review_threshold
    columns = {
        "session_key": batch.column("session_key"),
        "scored_at": batch.column("scored_at"),
        "score": pa.array(predicted.score),
        "would_flag": pa.array(would_flag),
        "would_filter": pa.array(predicted.score >= scorer.filter_threshold),
        "reasons": pa.nulls(batch.num_rows, pa.list_(REASON)),
        "model_version": pa.repeat(scorer.version, batch.num_rows),
    }
    flagged = np.flatnonzero(would_flag)
    if len(flagged):
        contributed = contributions(predicted.matrix, scorer, flagged)
        reasons = top_reasons(scorer.features, predicted.values[flagged], contributed)
        index = np.full(batch.num_rows, -1)
        index[flagged] = np.arange(len(flagged))
        # taking from a null index gives null
        columns["reasons"] = reasons.take(pa.array(index, mask=index < 0))
    return pa.RecordBatch.from_arrays([columns[c.name] for c in SHADOW], names=[c.name for c in SHADOW])
