"""Arrow schemas of the tables that `contracts` declares, whose types are Spark's DDL."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from contracts.column import Column
from contracts.tables import LAKE, SHADOW

_TYPES = {
    "string": pa.string(), "double": pa.float64(), "float": pa.float32(), "bigint": pa.int64(), "int": pa.int32(),
    "boolean": pa.bool_(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"),
}  # fmt: skip


PARTITION = "date"
PARTITIONED = ("plays", "activity", "sessions")
"""Tables with a folder per UTC date of event_time, or of ended_at."""


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """Return the Arrow schema of columns."""
    return pa.schema([pa.field(column.name, arrow_type(column.type)) for column in columns])


def table_schema(name: str) -> pa.Schema:
    """Return the schema of a table of the contract, with its partition."""
    columns = SHADOW if name == "shadow" else LAKE[name]
    if name in PARTITIONED and columns[-1].name != PARTITION:
        columns = (*columns, Column(PARTITION, "date", "UTC date of event_time (partition)"))
    return arrow_schema(columns)


def partitions_of(name: str) -> list[str]:
    """Return the columns that a table of the contract is partitioned by."""
    return [PARTITION] if name in PARTITIONED else []


def arrow_type(ddl: str) -> pa.DataType:
    """Return the Arrow type of a type in Spark's DDL.

    >>> arrow_type("array<struct<feature:string,value:double>>")
    ListType(list<element: struct<feature: string, value: double>>)
    """
    outer, _, rest = ddl.partition("<")
    inner = rest.removesuffix(">")
    if outer == "array":
        return pa.list_(pa.field("element", arrow_type(inner)))
    if outer == "struct":
        fields = (part.partition(":") for part in _split(inner))
        return pa.struct([pa.field(name, arrow_type(of)) for name, _, of in fields])
    return _TYPES[ddl]


def _split(fields: str) -> Iterator[str]:
    """Split at the commas that are not inside of a type."""
    depth = begin = 0
    for i, character in enumerate(fields):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "," and not depth:
            yield fields[begin:i]
            begin = i + 1
    yield fields[begin:]
