"""Messages of a shop for tests: rows with usual values, as JSON lists in frames like Kafka's."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

MESSAGES = "topic string, partition int, offset bigint, timestamp timestamp, value string, "
MESSAGES += "headers array<struct<key: string, value: binary>>"
SENT = 1_745_818_012
"""`ts` of the assignment's sample."""
CART = "[{'product_id': 3231, 'quantity': 2, 'item_price': 100000}, {'product_id': 77, 'quantity': 1, 'item_price': 5}]"

Row = dict[str, Any]


def browsed(event_type: str = "HP", at: str = "00:00:00.000", ts: int = SENT, **fields: Any) -> Row:
    """A browsing row at a time of 1 January 2024, UTC."""
    return {
        "session_id": "s1", "event_type": event_type, "event_time": f"2024-01-01 {at}", "traffic_source": "MOBILE",
        "device_type": "Android", "customer_id": "65192",
    } | fields | {"ts": ts}  # fmt: skip


def bought(at: str = "00:00:00.000", ts: int = SENT, **fields: Any) -> Row:
    """A transaction at a time of 1 January 2024, UTC."""
    return {
        "created_at": f"2024-01-01 {at}", "customer_id": "65192", "transaction_id": "t1", "session_id": "s1",
        "product_metadata": CART, "payment_method": "OVO", "payment_status": "Fail", "promo_amount": "20000",
        "promo_code": "WEEKEND", "shipment_fee": "10000", "shipment_location_lat": "0", "shipment_location_long": "1",
        "total_amount": "190005", "clear_payment": "0",
    } | fields | {"ts": ts}  # fmt: skip


def message(rows: object, topic: str, offset: int = 0, headers: dict[str, str] | None = None) -> Row:
    """A message: a list of rows, or text that is none."""
    value = rows if isinstance(rows, str) else json.dumps(rows)
    pairs = [{"key": key, "value": text.encode()} for key, text in (headers or {}).items()]
    at = datetime.fromtimestamp(SENT + 700, UTC)
    return {"topic": topic, "partition": 0, "offset": offset, "timestamp": at, "value": value, "headers": pairs}


def arrived(spark: SparkSession, messages: Sequence[Row]) -> DataFrame:
    """Messages as a frame."""
    return spark.createDataFrame(messages, MESSAGES)


def static_tables(spark: SparkSession) -> dict[str, DataFrame]:
    """A customer who lives on the equator, two products, one category."""
    customers = (
        "customer_id string, gender string, birthdate date, device_type string, home_location_lat double, "
        "home_location_long double, home_country string, first_join_date date"
    )
    rows = [("65192", "F", date(1994, 1, 1), "iOS", 0.0, 0.0, "Indonesia", date(2023, 12, 22))]
    return {
        "customers": spark.createDataFrame(rows, customers),
        "products": spark.createDataFrame(
            [(3231, "Red Shirts 1", 1, 90000, 2020)],
            "product_id int, name string, category_id int, price int, year int",
        ),
        "categories": spark.createDataFrame(
            [(1, "Apparel", "Topwear", "Shirts")],
            "category_id int, master_category string, sub_category string, article_type string",
        ),
    }
