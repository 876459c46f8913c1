"""Schemas of the shop, from its contract: messages as they travel, rows once they are cast, and static tables."""

from pyspark.sql import types as T

from contracts.shop import COLUMNS


def text_schema(topic: str) -> T.StructType:
    """Return the schema of a row as it travels: every field a string, and `ts` an integer."""
    fields = [T.StructField(column.name, T.StringType()) for column in COLUMNS[topic]]
    return T.StructType([*fields, T.StructField("ts", T.IntegerType())])


def message_schema(topic: str) -> T.ArrayType:
    """Return the schema of a message: a list of rows."""
    return T.ArrayType(text_schema(topic))


def table_schema(name: str) -> str:
    """Return the schema of a file once its columns are cast, as Spark DDL.

    >>> table_schema("categories")
    'category_id int, master_category string, sub_category string, article_type string'
    """
    return ", ".join(f"{column.name} {column.type}" for column in COLUMNS[name])


CART_SCHEMA = "array<struct<product_id: int, quantity: int, item_price: double>>"
"""`product_metadata` once it is parsed."""
