"""Opaque ids: a bijection of a counter, rendered as 16 hex digits; no prefix, order or range tells anything."""

from enum import IntEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from producer.simulator.draws import Purpose, stream

Words = NDArray[np.uint64]


class Kind(IntEnum):
    """What an id names. Each kind has its own salt, so equal counters give unrelated ids."""

    PLAY = 1
    EVENT = 2
    USER = 3
    SESSION = 4
    TRACK = 5
    ARTIST = 6
    LABEL = 7
    DEVICE = 8
    CONTEXT = 9
    ADDRESS = 10
    CAMPAIGN = 11
    PAYMENT = 12


def _hex_table() -> NDArray[np.uint32]:
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    number = np.arange(1 << 16)
    text = np.stack([digits[(number >> shift) & 15] for shift in (12, 8, 4, 0)], axis=1)
    return np.ascontiguousarray(text).view(np.uint32).ravel()


_HEX = _hex_table()


class Ids:
    """Makes the ids of one world: the same counters and seed give the same ids."""

    def __init__(self, seed: int) -> None:
        self._salt = {
            kind: stream(seed, Purpose.SALT, int(kind)).integers(0, 1 << 64, dtype=np.uint64) for kind in Kind
        }

    def words(self, kind: Kind, counters: NDArray[np.integer]) -> Words:
        """Map counters to 64-bit ids, one to one (the finalizer of splitmix64, Steele et al. 2014)."""
        z = counters.astype(np.uint64)
        z ^= self._salt[kind]
        z += np.uint64(0x9E3779B97F4A7C15)
        z ^= z >> np.uint64(30)
        z *= np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        z *= np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        return z

    def texts(self, kind: Kind, counters: NDArray[np.integer]) -> pa.StringArray:
        """Map counters to ids as text."""
        return render(self.words(kind, counters))


def digits(words: Words) -> NDArray[np.uint8]:
    """Write 64-bit words as 16 hex digits each, one after another."""
    return _HEX[words.astype(">u8").view(">u2")].view(np.uint8)


def render(words: Words) -> pa.StringArray:
    """Write 64-bit words as 16 hex digits each: the order of the texts is the order of the numbers.

    >>> render(np.array([255], dtype=np.uint64))[0].as_py()
    '00000000000000ff'
    """
    n = len(words)
    offsets = np.arange(0, 16 * n + 1, 16, dtype=np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(digits(words)))


def addresses(words: Words) -> pa.StringArray:
    """Write words as IPv4 addresses, public by look (first octet 11–99 or 128–171, so never private or loopback)."""
    octets = [pa.array([str(i) for i in range(256)])] * 4
    first = (words % np.uint64(133)).astype(np.int32)
    first = np.where(first < 89, first + 11, first + 39)
    parts = [first] + [((words >> np.uint64(s)) & np.uint64(255)).astype(np.int32) for s in (16, 32, 48)]
    texts = [octet.take(pa.array(part)) for octet, part in zip(octets, parts, strict=True)]
    return pc.binary_join_element_wise(*texts, ".")
