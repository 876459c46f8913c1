"""Messages to rows: parse the JSON list, reject what breaks a rule with a reason, and cast by the metadata."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.events import AHEAD_MS, HEADER_ROWS
from contracts.shop import COLUMNS, TIME_COLUMN, TIME_FORMAT, ShopColumn
from spark_app.shop.schemas import CART_SCHEMA, message_schema
from spark_app.stages.parsing.parse import number_header

HEARTBEAT = "__heartbeat__"
"""session_id of the job's own rows that only say what time it is (spark_app/shop/heartbeat.py): no session has it."""
MESSAGE = ("topic", "partition", "offset", "timestamp", "headers")
"""Columns of a message next to its value; `timestamp` is when it was sent: a `ts` of 2099 would make the rest late."""
PLACE = ("topic", "partition", "offset", "position")
"""Where a row is: its message, and its position in the message's list."""


def parse_messages(messages: DataFrame, topic: str) -> DataFrame:
    """Return one row per row of a topic's messages: MESSAGE, `position`, `fields` (strings, and an int `ts`), `reason`.

    `reason` is null for a good row. A message that is no list of rows is one row with a reason, its `text` in full.
    """
    text = F.col("value").cast("string")
    lists = messages.select(*MESSAGE, text.alias("text"), F.from_json(text, message_schema(topic)).alias("rows"))
    return (
        # the list of a batch without transactions is empty
        lists.where("rows IS NULL OR size(rows) > 0")
        .select(*MESSAGE, "text", F.posexplode_outer("rows").alias("position", "fields"))
        # one row per row of a message
        .withColumn("reason", rejection(topic))
    )


def cast_rows(rows: DataFrame, topic: str) -> DataFrame:
    """Return the good rows with the types of the metadata, PLACE, and the event time `sent_at`: `ts` as a timestamp."""
    good = rows.where("reason IS NULL").select(*PLACE, "fields.*")
    return good.select(
        *PLACE,
        F.timestamp_seconds("ts").alias("sent_at"),
        *(cast(F.col(column.name), column).alias(column.name) for column in COLUMNS[topic]),
    )


def rejected_rows(rows: DataFrame) -> DataFrame:
    """Return the rows that break a rule: contracts.shop.REJECTED."""
    # greatest() passes over null
    rows_of_message = F.greatest(number_header(HEADER_ROWS, "sent_rows").cast("int"), F.lit(1))
    count = F.when(F.col("position").isNull(), rows_of_message).otherwise(1)
    text = F.coalesce(F.to_json("fields"), F.col("text"))
    return rows.where("reason IS NOT NULL").select(*PLACE, count.alias("rows"), "reason", text.alias("text"))


def cast(text: Column, column: ShopColumn) -> Column:
    """Cast the text of a column to its type; null where it is empty or does not cast. Times of the files are in UTC."""
    if column.type == "string":
        return text
    if column.type == "timestamp":
        return F.try_to_timestamp(F.concat(text, F.lit("Z")), F.lit(f"{TIME_FORMAT}X"))
    return text.try_cast(column.type)


def parse_cart(metadata: Column) -> Column:
    """Parse `[{'product_id': 1, 'quantity': 2, 'item_price': 3}]`, with single quotes, into an array of structs."""
    return F.from_json(metadata, CART_SCHEMA, {"allowSingleQuotes": "true"})


def rejection(topic: str) -> Column:
    """Return the reason for which a row is rejected: the first rule that it breaks; null for a good row."""
    rules = [
        (F.col("fields").isNull(), "not a row of a JSON list"),
        (F.col("fields.ts").isNull(), "ts: not an integer"),
        (F.col("fields.ts") > F.unix_seconds("timestamp") + AHEAD_MS // 1000, "ts: ahead of its message"),
        (F.col("fields.session_id") == HEARTBEAT, "session_id: reserved"),
    ]
    rules += [(_breaks_rule(topic, column), f"{column.name}: {_expected(topic, column)}") for column in COLUMNS[topic]]
    return F.coalesce(*(F.when(is_broken, F.lit(reason)) for is_broken, reason in rules))


def _breaks_rule(topic: str, column: ShopColumn) -> Column:
    text = F.col(f"fields.{column.name}")
    is_missing = text.isNull() | (text == "")
    if column.values:
        return is_missing | ~text.isin(*column.values)
    if column.name == "product_metadata":
        return is_missing | (F.coalesce(F.size(parse_cart(text)), F.lit(0)) <= 0)
    if column.name == TIME_COLUMN[topic] or (column.name.endswith("_id") and column.type == "string"):
        return is_missing | cast(text, column).isNull()
    if column.type == "string":
        return F.lit(False)
    return ~is_missing & cast(text, column).isNull()


def _expected(topic: str, column: ShopColumn) -> str:
    if column.values:
        return f"expected {', '.join(column.values)}"
    if column.name == "product_metadata":
        return "expected a list of products"
    if column.name == TIME_COLUMN[topic]:
        return f"expected {TIME_FORMAT}"
    return "missing" if column.type == "string" else f"expected {column.type}"


def add_cart(transactions: DataFrame) -> DataFrame:
    """Add `cart`, the parsed `product_metadata`, and `dearest`, its item with the highest price."""
    cart = parse_cart(F.col("product_metadata"))
    by_price = F.transform("cart", lambda item: F.struct(item["item_price"].alias("item_price"), item["product_id"]))
    return transactions.withColumn("cart", cart).withColumn("dearest", F.array_max(by_price))
