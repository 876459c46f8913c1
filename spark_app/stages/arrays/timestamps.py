"""Epoch milliseconds as Arrow timestamps, of the type that Spark reads and writes."""

import pyarrow as pa

from runtime.arrays import Ints

UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")


def to_timestamps(epoch_ms: Ints) -> pa.Array:
    """Return epoch milliseconds as UTC_TIMESTAMP."""
    return pa.array(epoch_ms * 1000, pa.int64()).cast(UTC_TIMESTAMP)
