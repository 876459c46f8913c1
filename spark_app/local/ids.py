"""Ids and words of a vocabulary as integers, with the values that Spark gives them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from runtime.arrays import Ints

SPARK_SEED = 42
"""The seed of Spark's xxhash64."""


def xxhash64(values: pa.ChunkedArray) -> pa.Array:
    """Hash texts as Spark's xxhash64 does; null stays null.

    >>> xxhash64(pa.chunked_array([["Spark", None]])).to_pylist()
    [-4294468057691064905, None]
    """
    coded = pc.dictionary_encode(values.cast(pa.string())).combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    hashes = [xxhash.xxh64_intdigest(text, SPARK_SEED) for text in coded.dictionary.cast(pa.binary()).to_pylist()]
    return pa.array(np.array(hashes, dtype=np.uint64).view(np.int64)).take(coded.indices)


def longs(values: pa.Array) -> Ints:
    """Return integers with 0 for null."""
    return values.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)


def hashes(values: pa.ChunkedArray) -> Ints:
    """Hash texts; 0 for null."""
    return longs(xxhash64(values))


def index_in(vocabulary: Sequence[str], values: pa.ChunkedArray) -> Ints:
    """Return 1 + the index of each text in a vocabulary; 0 where it is null or another one.

    >>> index_in(("web", "tv"), pa.chunked_array([["tv", None, "car"]])).tolist()
    [2, 0, 0]
    """
    found = pc.index_in(values.cast(pa.string()), value_set=pa.array(vocabulary, pa.string()))
    return longs(pc.add(found, 1).combine_chunks())
