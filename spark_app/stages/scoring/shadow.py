"""Scored sessions to what a challenger would say of them: the same features, the trees of another model.

It reads what the champion's query has committed, so nothing it does or fails to do reaches a flag.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.tables import SHADOW, ddl
from models.registry.artefact import Artefact
from spark_app.stages.scoring.score import REASON, Judge, contributions_of, judge_of, opinion_of, reasons_of

SHADOWED = tuple(c for c in SHADOW if c.name != "model_version")


def shadowed(batch: pa.RecordBatch, judge: Judge) -> pa.RecordBatch:
    """Say what the challenger would do with each session; reasons, the dear part, only where it would flag."""
    found = opinion_of(batch, judge)
    would_flag = found.score >= judge.review_threshold
    flagged = np.flatnonzero(would_flag)
    contributions = contributions_of(found.matrix.slice(flagged), judge) if len(flagged) else np.empty((0, 1))
    reasons = reasons_of(judge.features, found.values[flagged], contributions)
    place = np.full(batch.num_rows, -1)
    place[flagged] = np.arange(len(flagged))
    columns = {
        "session_key": batch.column("session_key"),
        "scored_at": batch.column("scored_at"),
        "score": pa.array(found.score),
        "would_flag": pa.array(would_flag),
        "would_filter": pa.array(found.score >= judge.filter_threshold),
        # taking from a null place gives null
        "reasons": reasons.take(pa.array(place, mask=place < 0)) if len(flagged) else _no_reasons(batch.num_rows),
    }
    return pa.RecordBatch.from_arrays([columns[c.name] for c in SHADOWED], names=[c.name for c in SHADOWED])


def _no_reasons(n: int) -> pa.Array:
    return pa.nulls(n, pa.list_(REASON))


def _shadowed_batches(batches: Iterable[pa.RecordBatch], judge: Judge) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if batch.num_rows:
            yield shadowed(batch, judge)


def shadow(sessions: DataFrame, challenger: Artefact) -> DataFrame:
    """Score the sessions of the lake as a challenger would: SHADOW."""
    judge = judge_of(challenger)
    asked = sessions.select("session_key", "scored_at", *challenger.features)
    scored = asked.mapInArrow(partial(_shadowed_batches, judge=judge), ddl(SHADOWED))
    return scored.withColumn("model_version", F.lit(challenger.version)).select(*(c.name for c in SHADOW))
