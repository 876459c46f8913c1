"""Columns as the data of parquet pages: what is codes and words already goes to the file nearly as it lies in memory.

Arrow's own writer packs dictionary indices one by one, about 10 ns each, which was a quarter of a simulation. Here the
indices of a page are one bit-packed run of a round width, so that packing is a cast, and ids are one run of digits.
Layout: `Encodings.md` of apache/parquet-format.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from producer.simulator.output.thrift import signed, varint

Bytes = NDArray[np.uint8]
Part = bytes | Bytes
_GROUP = 8
"""A bit-packed run holds a multiple of so many values."""
_BLOCK, _MINIBLOCKS = 128, 4
"""Values in a block of delta-packed integers, and the parts it is in."""


def plain_values(values: NDArray[Any]) -> Bytes:
    """Lay out numbers as they are, booleans as bits."""
    if values.dtype == bool:
        return np.packbits(values, bitorder="little")
    return np.ascontiguousarray(values).view(np.uint8)


def plain_texts(texts: pa.StringArray) -> Bytes:
    """Lay out texts, each behind its length.

    >>> bytes(plain_texts(pa.array(["a", "bc"])))
    b'\\x01\\x00\\x00\\x00a\\x02\\x00\\x00\\x00bc'
    """
    _, offsets_held, data_held = texts.buffers()
    offsets = np.frombuffer(offsets_held, np.int32, len(texts) + 1, 4 * texts.offset)
    data = np.frombuffer(data_held or b"", np.uint8)[offsets[0] : offsets[-1]]
    lengths = np.diff(offsets).astype("<u4")
    heads = (offsets[:-1] - offsets[0] + 4 * np.arange(len(lengths)))[:, None] + np.arange(4)
    out = np.empty(len(data) + heads.size, np.uint8)
    is_data = np.ones(len(out), dtype=bool)
    is_data[heads.ravel()] = False
    out[heads.ravel()] = lengths.view(np.uint8)
    out[is_data] = data
    return out


def texts_of_length(digits: Bytes, length: int) -> list[Part]:
    """Lay out texts that are all so long: their lengths, delta-packed with no change between them; then the texts."""
    n = len(digits) // length
    block = signed(0) + bytes(_MINIBLOCKS)  # least change, and bits a change in each part
    head = varint(_BLOCK) + varint(_MINIBLOCKS) + varint(n) + signed(length)
    return [head + block * -(-(n - 1) // _BLOCK), digits]


def width_for(words: int) -> int:
    """Return the bits an index takes: the least that pack by a cast.

    >>> [width_for(n) for n in (1, 2, 3, 16, 17, 65_536, 65_537)]
    [1, 1, 4, 4, 8, 16, 24]
    """
    return next(width for width in (1, 4, 8, 16, 24, 32) if words <= 1 << width)


def indices(codes: NDArray[np.integer], words: int, is_optional: bool) -> list[Part]:
    """Lay out codes of so many words; before them, where there may be nulls (-1), which codes are there."""
    width = width_for(words)
    parts: list[Part] = []
    if is_optional:
        is_there = codes >= 0
        head, body = packed(is_there, 1)
        parts += [(len(head) + len(body)).to_bytes(4, "little"), head, body]
        codes = codes[is_there]
    return [*parts, bytes([width]), *packed(codes, width)]


def packed(codes: NDArray[Any], width: int) -> tuple[bytes, Bytes]:
    """Return the head and the body of one bit-packed run.

    >>> [bytes(part).hex() for part in packed(np.array([1, 2, 3]), 4)]
    ['03', '21030000']
    """
    n = len(codes)
    groups = -(-n // _GROUP)
    body = np.zeros(groups * width, np.uint8)
    if width == 1:
        body[: -(-n // 8)] = np.packbits(codes.astype(bool, copy=False), bitorder="little")
    elif width == 4:
        small = codes.astype(np.uint8, copy=False)
        body[: -(-n // 2)] = small[::2]
        body[: n // 2] |= small[1::2] << 4
    elif width == 24:
        body[: 3 * n].reshape(n, 3)[:] = codes.astype("<u4", copy=False).view(np.uint8).reshape(n, 4)[:, :3]
    else:
        body[: n * width // 8].view(f"<u{width // 8}")[:] = codes
    return varint(groups << 1 | 1), body
