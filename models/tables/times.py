"""Timestamps of tables as integers."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def epoch_ms(times: pd.Series) -> NDArray[np.int64]:
    """Return timestamps as epoch milliseconds; those without a zone are UTC, as Spark writes them.

    >>> epoch_ms(pd.Series(pd.to_datetime(["1970-01-01T00:00:01.5Z"]))).tolist()
    [1500]
    """
    return pd.to_datetime(times, utc=True).dt.tz_localize(None).to_numpy("datetime64[ms]").astype("int64")
