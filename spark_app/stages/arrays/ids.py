"""Ids and words of a vocabulary as integers, with the values that Spark gives them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from runtime.arrays import Ints

SPARK_SEED = 42
"""The seed of Spark's hashes."""
_UINT32 = 2**32 - 1


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


def murmur3(number: int) -> int:
    """Hash an integer as Spark's `hash` does: by it Spark chooses the partition of a row. (Appleby, MurmurHash3.)

    >>> murmur3(0)
    933211791
    """
    mixed = _rotate(number * 0xCC9E2D51 & _UINT32, 15) * 0x1B873593 & _UINT32
    mixed = _rotate(SPARK_SEED ^ mixed, 13) * 5 + 0xE6546B64 & _UINT32
    mixed ^= 4  # bytes
    mixed = (mixed ^ mixed >> 16) * 0x85EBCA6B & _UINT32
    mixed = (mixed ^ mixed >> 13) * 0xC2B2AE35 & _UINT32
    mixed ^= mixed >> 16
    return mixed - (mixed >> 31 << 32)


def _rotate(word: int, bits: int) -> int:
    return (word << bits | word >> 32 - bits) & _UINT32


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
