"""Thrift's compact protocol, as much of it as the page headers and the footer of a parquet file need.

A value is a pair: the number of its type, and its bytes. Layout: `thrift-compact-protocol.md` of apache/thrift.
"""

Value = tuple[int, bytes]
_TRUE, _FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 5, 6, 8, 9, 12
_LONG_LIST = 15


def varint(number: int) -> bytes:
    """Write a number from 0 on in groups of seven bits, the lowest first.

    >>> varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def signed(number: int) -> bytes:
    """Write a number that may be negative: zigzag, so that small ones stay short.

    >>> [signed(n).hex() for n in (0, -1, 1)]
    ['00', '01', '02']
    """
    return varint(number * 2 if number >= 0 else -number * 2 - 1)


def i32(number: int) -> Value:
    return _I32, signed(number)


def i64(number: int) -> Value:
    return _I64, signed(number)


def flag(is_set: bool) -> Value:
    """A boolean field: its type is its value."""
    return (_TRUE if is_set else _FALSE), b""


def binary(data: bytes) -> Value:
    return _BINARY, varint(len(data)) + data


def text(words: str) -> Value:
    return binary(words.encode())


def many(items: list[Value]) -> Value:
    """A list of values of one type; an empty one is of structs."""
    kind, n = items[0][0] if items else _STRUCT, len(items)
    head = bytes([n << 4 | kind]) if n < _LONG_LIST else bytes([_LONG_LIST << 4 | kind]) + varint(n)
    return _LIST, head + b"".join(data for _, data in items)


def struct(fields: dict[int, Value]) -> Value:
    """A struct, its fields by their numbers in rising order, at most 15 apart.

    >>> struct({1: i32(1), 3: flag(True)})[1].hex()
    '15022100'
    """
    out, before = bytearray(), 0
    for number, (kind, data) in fields.items():
        out.append(number - before << 4 | kind)
        out += data
        before = number
    out.append(0)
    return _STRUCT, bytes(out)
