"""Messages to rows: every good row of a bad message survives, every bad row gets the first rule it breaks.

The same rules in plain Python are `contracts.events.check_row`; a test compares the two.
"""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts import events
from contracts.events import FIELDS, Field


def _struct(fields: Sequence[Field]) -> str:
    return "struct<" + ",".join(f"{f.name}:string" for f in fields) + ">"


def rows_of(value: Column, fields: Sequence[Field]) -> Column:
    """Read a message's bytes as an array of all-string structs; null where it is no list.

    `from_json` gives null for a whole list in which one element is no object; only then each element is read alone,
    which costs nothing on good input. An element that is no object becomes null.
    """
    struct = _struct(fields)

    def one(element: Column) -> Column:
        return F.when(element.startswith("{"), F.from_json(element, struct))

    text = value.cast("string")
    # of the bytes: a substring of the text would count the characters of all its 90 KB first
    is_list = F.substring(value, 1, 64).cast("string").rlike(r"^[ \t\r\n]*\[")
    # an array<string> element is JSON text again for objects, so it can be read alone
    each = F.transform(F.from_json(text, "array<string>"), one)
    return F.when(is_list, F.coalesce(F.from_json(text, f"array<{struct}>"), each))


def header(name: str) -> Column:
    """Return a message header as text; null where it is absent."""
    found = F.filter("headers", lambda h: h["key"] == name)
    return F.try_element_at(found, F.lit(1))["value"].cast("string")


def _is_good(field: Field, value: Column) -> Column:
    if field.kind == "id":
        good = F.length(value).between(1, events.MAX_ID_CHARS)
    elif field.kind == "time":
        good = value.rlike(events.TIME_PATTERN) & value.try_cast("timestamp").isNotNull()
    elif field.kind == "ms":
        good = value.rlike(events.MS_PATTERN)
    else:
        good = value.isin(*field.values)
    return F.coalesce(good, F.lit(not field.is_required))


def rules_of(topic: str, row: Column, clock_ms: Column) -> list[tuple[Column, str]]:
    """Return the row rules in the contract's order: what holds of a good row (never null), and the reason if not."""
    at_ms = F.unix_millis(row["event_time"].try_cast("timestamp"))
    return [
        (clock_ms.isNotNull(), events.NO_CLOCK),
        (row.isNotNull(), events.NOT_AN_OBJECT),
        *((_is_good(f, row[f.name]), events.bad(f)) for f in FIELDS[topic] if f.is_checked),
        # the row's side moves: its time has four-digit years, while a clock near the end of a long would overflow
        (F.coalesce(at_ms - events.AHEAD_MS <= clock_ms, F.lit(False)), events.AHEAD),
        (F.coalesce(at_ms + events.BEHIND_MS >= clock_ms, F.lit(False)), events.BEHIND),
    ]


def reason_of(topic: str, row: Column, clock_ms: Column) -> Column:
    """Return why a row is rejected, null for a good one."""
    return F.coalesce(*(F.when(~good, F.lit(words)) for good, words in rules_of(topic, row, clock_ms)))


_CASTS = {"time": "timestamp", "ms": "int", "epoch_s": "bigint", "bool": "boolean"}


def _typed(field: Field, row: Column) -> Column:
    value = row[field.name]
    kind = _CASTS.get(field.kind)
    return (value.try_cast(kind) if kind else value).alias(field.name)


def fields_named(topic: str, names: Sequence[str]) -> list[Field]:
    """Select the checked fields of a topic and those in `names`, in the contract's order: only these are parsed."""
    return [f for f in FIELDS[topic] if f.is_checked or f.name in names]


def parse_good_rows(messages: DataFrame, topic: str, names: Sequence[str]) -> DataFrame:
    """Turn messages (value, headers) of a topic into its good rows: the checked fields and `names`, typed."""
    fields = fields_named(topic, names)
    # the list in a step of its own: the fallback inside it has no generated code, and would drag explode along
    lists = messages.select(
        rows_of(F.col("value"), fields).alias("list"),
        header(events.HEADER_CLOCK_MS).try_cast("bigint").alias("clock_ms"),
    )
    # outer: of a plain explode Spark infers a filter on the list, pushes it down and parses each message twice
    rows = lists.select("clock_ms", F.explode_outer("list").alias("row"))
    # one row per element of a message
    row = F.col("row")
    good = reduce(Column.__and__, (holds for holds, _ in rules_of(topic, row, F.col("clock_ms"))))
    return rows.where(good).select(*(_typed(f, row) for f in fields))


def parse_all_rows(messages: DataFrame, topic: str) -> DataFrame:
    """Turn messages (partition, offset, value, headers) of a topic into rows with all fields and a `reason`.

    Columns: topic, partition, offset, position, rows (how many sent rows this line stands for), reason (null = good),
    payload (only of rejected ones), then the fields, typed. A message that is no list is one line, position null.
    """
    fields = FIELDS[topic]
    # a message without a value is unreadable too, not absent
    value = F.coalesce("value", F.lit(b""))
    rows = messages.select(
        "partition",
        "offset",
        value.cast("string").alias("text"),
        header(events.HEADER_CLOCK_MS).try_cast("bigint").alias("clock_ms"),
        header(events.HEADER_ROWS).try_cast("bigint").alias("sent_rows"),
        rows_of(value, fields).alias("list"),
    ).select(
        "partition",
        "offset",
        "clock_ms",
        "sent_rows",
        F.when(F.col("list").isNull(), F.substring("text", 1, 500)).alias("unreadable"),
        F.posexplode_outer("list").alias("position", "row"),
    )
    # one row per element of a message; one for a message without elements
    row = F.col("row")
    reason = F.when(F.col("unreadable").isNotNull(), F.lit(events.UNREADABLE)).otherwise(
        reason_of(topic, row, F.col("clock_ms"))
    )
    return (
        rows.where(F.col("position").isNotNull() | F.col("unreadable").isNotNull())
        .select(
            F.lit(topic).alias("topic"),
            "partition",
            "offset",
            "position",
            F.when(F.col("unreadable").isNotNull(), F.coalesce("sent_rows", F.lit(0)))
            .otherwise(F.lit(1))
            .alias("rows"),
            reason.alias("reason"),
            "unreadable",
            "row",
        )
        .withColumn(
            "payload",
            F.when(F.col("reason").isNotNull(), F.substring(F.coalesce("unreadable", F.to_json("row")), 1, 500)),
        )
        .select(
            "topic", "partition", "offset", "position", "rows", "reason", "payload", *(_typed(f, row) for f in fields)
        )
    )
