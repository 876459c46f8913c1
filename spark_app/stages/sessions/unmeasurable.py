"""What cannot be measured is null: where the rows of a session do not say enough, or the whole source cannot.

A client of the service says all; the rows of an imported history may not.
"""

from collections.abc import Collection

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.measurable import NEEDS_FIELD
from runtime.arrays import Floats
from spark_app.stages.sessions.rows import NO_END_REASON, NO_START_REASON
from spark_app.stages.sessions.session_batch import SessionBatch


def erase_unknown(values: dict[str, Floats], b: SessionBatch) -> None:
    """Set to NaN the features of sessions in which a play lacks the field that they are made of."""
    lacking = {
        "listen_ms": b.no_listen,
        "reason_start": (b.code & NO_START_REASON) > 0,
        "reason_end": (b.code & NO_END_REASON) > 0,
    }
    for field, rows in lacking.items():
        if rows is None or not rows.any():
            continue
        is_lacking = b.count(rows) > 0
        for name in NEEDS_FIELD[field]:
            if name in values:
                values[name] = np.where(is_lacking, np.nan, values[name])


def without(table: DataFrame, names: Collection[str]) -> DataFrame:
    """Set columns to null that the world's source cannot tell; names that the table lacks are passed over."""
    return table.withColumns({name: F.lit(None).cast("double") for name in table.columns if name in names})
