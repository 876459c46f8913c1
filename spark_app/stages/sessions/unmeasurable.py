"""A feature that cannot be measured is null, never 0: where a session's rows lack a field, or the whole source does.

The service's own clients report every field; the rows of an imported history may not.
"""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.measurable import NEEDS_FIELD
from runtime.arrays import Floats
from spark_app.stages.sessions.session_batch import SessionBatch
from spark_app.stages.sessions.session_rows import NO_END_REASON, NO_START_REASON


def mask_missing_fields(features: dict[str, Floats], b: SessionBatch) -> dict[str, Floats]:
    """Return features with NaN for each session in which a play lacks the field that a feature is computed from."""
    lacks = {
        "listen_ms": b.lacks_listen_ms,
        "reason_start": (b.code & NO_START_REASON) > 0,
        "reason_end": (b.code & NO_END_REASON) > 0,
    }
    masked = dict(features)
    for field, rows in lacks.items():
        if rows is None or not rows.any():
            continue
        is_incomplete = b.count(rows) > 0
        for name in NEEDS_FIELD[field]:
            if name in masked:
                masked[name] = np.where(is_incomplete, np.nan, masked[name])
    return masked


def mask_unmeasurable(batch: pa.RecordBatch, names: Collection[str]) -> pa.RecordBatch:
    """Set the features that the world's source cannot tell (`names`) to null, in an Arrow batch of sessions."""
    for name in batch.schema.names:
        if name in names:
            nulls = pa.nulls(batch.num_rows, pa.float64())
            batch = batch.set_column(batch.schema.get_field_index(name), name, nulls)
    return batch


def mask_unmeasurable_columns(table: DataFrame, names: Collection[str]) -> DataFrame:
    """Set the features that the world's source cannot tell (`names`) to null, in a table of user-days."""
    return table.withColumns({name: F.lit(None).cast("double") for name in table.columns if name in names})
