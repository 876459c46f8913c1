"""A mend of pyspark 4.0.4, where Arrow batches of `applyInPandasWithState` have more rows than groups.

Beside the rows of a batch the JVM writes a struct per group: which of the rows are its own, as integers, and its state.
The places that are left are null, and pandas makes floats of integers with nulls; a place in a batch that is a float
ends the query. Here the structs are read without pandas.
"""

from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql.pandas.serializers import ApplyInPandasWithStateSerializer, ArrowStreamPandasUDFSerializer

_FIRST_ROW = "startOffset"
"""A field that only the struct of a group has."""


def _arrow_to_pandas(self: ArrowStreamPandasUDFSerializer, arrow_column: pa.ChunkedArray) -> Any:
    if pa.types.is_struct(arrow_column.type) and arrow_column.type.get_field_index(_FIRST_ROW) >= 0:
        return pd.Series(arrow_column.to_pylist(), dtype=object)
    return ArrowStreamPandasUDFSerializer.arrow_to_pandas(self, arrow_column)  # type: ignore[no-untyped-call]


def mend_state_reader() -> None:
    """Let this process, a worker of Spark, read the structs of groups as they are."""
    ApplyInPandasWithStateSerializer.arrow_to_pandas = _arrow_to_pandas  # type: ignore[method-assign]
