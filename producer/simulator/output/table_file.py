"""A parquet file written from codes, and hashed as it is written: nothing is read back for the datasheet's checksums.

Row groups of uncompressed pages: random ids hardly shrink, and snappy would double the cost of a row. Format:
`parquet.thrift` of apache/parquet-format, whose numbers stand here as names.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from producer.simulator.output.columns import ID_DIGITS, Coded, Column, Digits, Plain
from producer.simulator.output.pages import Part, indices, plain_texts, plain_values, texts_of_length
from producer.simulator.output.thrift import Value, binary, flag, i32, i64, many, struct, text

_MAGIC = b"PAR1"
_VERSION = 2
_BOOLEAN, _INT32, _INT64, _BYTE_ARRAY = 0, 1, 2, 6
_REQUIRED, _OPTIONAL = 0, 1
_PLAIN, _RLE, _DELTA_LENGTH, _RLE_DICTIONARY = 0, 3, 6, 8
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_UTF8, _TIMESTAMP_MILLIS = 0, 9
_UNCOMPRESSED = 0
_STRING, _TIMESTAMP, _MILLIS = 1, 8, 1
PAGE_ROWS = 1 << 17
"""Large pages cost a reader no more, up to a few megabytes; a multiple of 8, so that bits begin with a byte."""


class TableFile:
    """Writes tables of one schema, each a row group; `sha256` is known once it is closed.

    A column of the schema that is a dictionary is given as codes, one of texts as digits of ids, others as values. Only
    codes may have nulls, where the schema says so.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._schema, self._file, self._total = schema, path.open("wb"), hashlib.sha256()
        self._at = self._rows = 0
        self._groups: list[Value] = []
        self._put(_MAGIC)

    def write(self, table: Mapping[str, Column]) -> None:
        """Append the columns of the schema as a row group; nothing, where they have no rows."""
        rows = len(table[self._schema.names[0]])
        if rows == 0:
            return
        began = self._at
        columns = [self._put_column(field, table[field.name]) for field in self._schema]
        size = i64(self._at - began)
        self._groups.append(struct({1: many(columns), 2: size, 3: i64(rows), 5: i64(began), 6: size}))
        self._rows += rows

    def __enter__(self) -> "TableFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._put_footer()
        self._file.close()

    @property
    def sha256(self) -> str:
        return self._total.hexdigest()

    def _put(self, *parts: Part) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else part.data
            self._total.update(data)
            self._file.write(data)
            self._at += len(part)

    def _put_page(self, kind: int, number: int, about: Value, *parts: Part) -> None:
        """Write a page behind its header; `about` is field `number` of that, and says what is special to the kind."""
        size = i32(sum(map(len, parts)))
        self._put(struct({1: i32(kind), 2: size, 3: size, number: about})[1], *parts)

    def _put_column(self, field: pa.Field, column: Column) -> Value:
        """Write a column's pages; return its place in the file."""
        began = self._at
        if isinstance(column, Coded):
            words = struct({1: i32(len(column.words)), 2: i32(_PLAIN)})
            self._put_page(_DICTIONARY_PAGE, 7, words, plain_texts(column.words))
        first_page = self._at
        encoding = _encoding(column)
        for at in range(0, len(column), PAGE_ROWS):
            rows = min(PAGE_ROWS, len(column) - at)
            about = struct({1: i32(rows), 2: i32(encoding), 3: i32(_RLE), 4: i32(_RLE)})
            self._put_page(_DATA_PAGE, 5, about, *_lay_out(column, field, slice(at, at + rows)))
        size = i64(self._at - began)
        facts = {
            1: i32(_physical(field.type)), 2: many([i32(e) for e in sorted({_PLAIN, _RLE, encoding})]),
            3: many([text(field.name)]), 4: i32(_UNCOMPRESSED), 5: i64(len(column)), 6: size, 7: size,
            9: i64(first_page),
        }  # fmt: skip
        if isinstance(column, Coded):
            facts[11] = i64(began)
        if isinstance(column, Plain) and pa.types.is_timestamp(field.type):
            low, high = (binary(time.tobytes()) for time in (column.values.min(), column.values.max()))
            facts[12] = struct({5: high, 6: low})
        return struct({2: i64(began), 3: struct(facts)})

    def _put_footer(self) -> None:
        root = struct({4: text("schema"), 5: i32(len(self._schema))})
        by_type_order = struct({1: struct({})})
        facts = {
            1: i32(_VERSION), 2: many([root, *map(_element, self._schema)]), 3: i64(self._rows),
            4: many(self._groups), 6: text("playproof"),
            7: many([by_type_order] * len(self._schema)),
        }  # fmt: skip
        footer = struct(facts)[1]
        self._put(footer, len(footer).to_bytes(4, "little"), _MAGIC)


def _encoding(column: Column) -> int:
    return _RLE_DICTIONARY if isinstance(column, Coded) else _DELTA_LENGTH if isinstance(column, Digits) else _PLAIN


def _lay_out(column: Column, field: pa.Field, rows: slice) -> list[Part]:
    """Return the data of a page."""
    if isinstance(column, Coded):
        codes = column.codes[rows]
        if not field.nullable and codes.dtype.kind == "i" and codes.min() < 0:
            raise ValueError(f"column {field.name} has a null in rows {rows.start} to {rows.stop}, expected none")
        return indices(codes, len(column.words), field.nullable)
    if isinstance(column, Digits):
        return texts_of_length(column.text[rows.start * ID_DIGITS : rows.stop * ID_DIGITS], ID_DIGITS)
    return [plain_values(column.values[rows])]


def _physical(kind: pa.DataType) -> int:
    """Return the number of the physical type."""
    if pa.types.is_timestamp(kind):
        return _INT64
    return {pa.bool_(): _BOOLEAN, pa.int32(): _INT32}.get(kind, _BYTE_ARRAY)


def _element(field: pa.Field) -> Value:
    """Describe a column in the schema: its physical type, whether it has nulls, its name, and what it means."""
    facts = {1: i32(_physical(field.type)), 3: i32(_OPTIONAL if field.nullable else _REQUIRED), 4: text(field.name)}
    if pa.types.is_timestamp(field.type):
        unit = struct({_MILLIS: struct({})})
        utc_ms = struct({1: flag(True), 2: unit})
        facts |= {6: i32(_TIMESTAMP_MILLIS), 10: struct({_TIMESTAMP: utc_ms})}
    elif facts[1] == i32(_BYTE_ARRAY):
        facts |= {6: i32(_UTF8), 10: struct({_STRING: struct({})})}
    return struct(facts)
