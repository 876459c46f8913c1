"""Ids and words of a vocabulary as integers, with the values that Spark gives them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from runtime.arrays import Ints

SPARK_SEED = 42
"""The seed of Spark's xxhash64."""


def one_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column of a table as one array."""
    combined = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def xxhash64(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Hash texts as Spark's xxhash64 does; null stays null.

    >>> xxhash64(pa.array(["Spark", None])).to_pylist()
    [-4294468057691064905, None]
    """
    coded = one_array(pc.dictionary_encode(values.cast(pa.string())))
    digest = xxhash.xxh64_intdigest
    hashes = [digest(text, SPARK_SEED) for text in coded.dictionary.cast(pa.binary()).to_pylist()]
    return pa.array(np.array(hashes, dtype=np.uint64).view(np.int64)).take(coded.indices)


def longs(values: pa.Array) -> Ints:
    """Return integers with 0 for null."""
    return values.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)


def hashes(values: pa.Array | pa.ChunkedArray) -> Ints:
    """Hash texts; 0 for null."""
    return longs(xxhash64(values))


def index_in(vocabulary: Sequence[str], values: pa.Array | pa.ChunkedArray) -> Ints:
    """Return 1 + the index of each text in a vocabulary; 0 where it is null or another one.

    >>> index_in(("web", "tv"), pa.array(["tv", None, "car"])).tolist()
    [2, 0, 0]
    """
    found = pc.index_in(values.cast(pa.string()), value_set=pa.array(vocabulary, pa.string()))
    return longs(one_array(pc.add(found, 1)))
