"""Features of sessions made by hand, by the steps that the stream runs, in batch; and reports over them."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.shop import BROWSING, SESSION_KEYS, SHOP_FEATURES, TRANSACTIONS
from runtime.world import Unit
from spark_app.shop import reports, tables
from spark_app.shop.pipeline import build_features
from spark_app.shop.rows import cast_rows, parse_messages
from tests.spark_app.shop.visits import arrived, bought, browsed, message, static_tables

BROWSED = [
    browsed("HP", "00:00:00.000"),
    browsed("VI", "00:00:10.000"),
    browsed("ATC", "00:00:30.000"),
    browsed("CO", "00:01:00.500"),
    browsed("HP", "20:00:00.000", session_id="no-transaction", customer_id="unknown"),
]
BOUGHT = [bought("00:01:00.500"), bought("00:02:00.000", session_id="no-browsing", transaction_id="t2")]


def rows_of(spark: SparkSession, topic: str, rows: list[dict[str, Any]]) -> DataFrame:
    return arrived(spark, [message(rows, topic)]).transform(parse_messages, topic).transform(cast_rows, topic)


@pytest.fixture(scope="module")
def sessions(spark: SparkSession) -> dict[str, dict[str, Any]]:
    features = build_features(
        rows_of(spark, BROWSING, BROWSED), rows_of(spark, TRANSACTIONS, BOUGHT), static_tables(spark)
    )
    assert features.columns == [column.name for column in (*SESSION_KEYS, *SHOP_FEATURES)]
    return {row["session_id"]: row.asDict(recursive=True) for row in features.collect()}


def test_a_session_with_a_transaction_has_the_features_computed_by_hand(sessions: dict[str, dict[str, Any]]) -> None:
    expected = {
        "browsing_rows": 4, "l1_events": 2, "l2_events": 1, "l3_events": 1, "l1_share": 0.5, "cart_adds": 1,
        "duration_s": 60.5, "seconds_to_checkout": 60.5, "local_hour": 7, "transaction_rows": 1, "failed_payments": 1,
        "items": 3, "total_amount": 190005.0, "dearest_price": 100000.0, "shipment_fee": 10000.0, "account_days": 10,
        "is_other_device": 1, "payment_method": "OVO", "gender": "F", "master_category": "Apparel",
        "transaction_ids": ["t1"],
    }  # fmt: skip
    session = sessions["s1"]
    assert {name: session[name] for name in expected} == expected
    # one degree of the equator; 20,000 off goods of 200,005; 60.5 s between four events; 10,957 days since birth
    assert session["distance_km"] == pytest.approx(111.19, abs=0.01)
    assert session["promo_share"] == pytest.approx(20000 / 200005)
    assert session["seconds_per_event"] == pytest.approx(60.5 / 3)
    assert session["age_years"] == pytest.approx(30, abs=0.01)


def test_neither_a_session_without_transaction_nor_a_transaction_without_browsing_vanishes(
    sessions: dict[str, dict[str, Any]],
) -> None:
    silent, unseen = sessions["no-transaction"], sessions["no-browsing"]
    assert (silent["browsing_rows"], silent["transaction_rows"], silent["items"]) == (1, 0, 0)
    assert (silent["seconds_to_checkout"], silent["distance_km"], silent["account_days"]) == (-1, -1, -1)
    assert (unseen["browsing_rows"], unseen["transaction_rows"], unseen["items"]) == (0, 1, 3)
    assert (unseen["customer_id"], unseen["account_days"]) == ("65192", 10)
    assert sum(s["browsing_rows"] for s in sessions.values()) == len(BROWSED)
    assert sum(s["transaction_rows"] for s in sessions.values()) == len(BOUGHT)


def test_the_reports_add_up_products_of_sessions_not_flagged_and_name_those_that_are_known(spark: SparkSession) -> None:
    scored = spark.sql(
        "SELECT now() scored_at, array(named_struct('product_id', 3231, 'quantity', 2, 'item_price', 1D), "
        "named_struct('product_id', 77, 'quantity', 1, 'item_price', 1D)) cart, 0D prediction "
        "UNION ALL SELECT now(), array(named_struct('product_id', 77, 'quantity', 9, 'item_price', 1D)), 1D "
        "UNION ALL SELECT now(), null, null"  # a row of the clock
    )
    assert [tuple(row) for row in reports.total_quantity(scored).collect()] == [(3,)]
    top = reports.top_products(scored, static_tables(spark)["products"])
    assert [tuple(row) for row in top.collect()] == [(3231, "Red Shirts 1", 2), (77, None, 1)]


def test_the_window_of_now_holds_the_last_two_minutes_and_is_0_when_only_the_clock_ticks(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ticks = spark.sql(
        "SELECT timestamp_seconds(600 + id) scored_at, CAST(null AS double) prediction FROM range(65, 68)"
    )
    scored = spark.sql(
        "SELECT timestamp_seconds(col1) scored_at, col2 prediction FROM VALUES (540, 1D), (560, 1D), (600, 0D)"
    )
    windows = reports.count_frauds(scored.unionByName(ticks))
    (current,) = reports.current_window(windows).select(F.unix_seconds("window_end"), "sessions", "frauds").collect()
    assert tuple(current) == (670, 2, 1)
    unit = Unit(tmp_path)
    for batch_id in (7, 7):  # as after a crash
        reports.report_frauds(reports.count_frauds(ticks), batch_id, unit=unit)
    assert (
        capsys.readouterr().out.count(
            "frauds of the last 2 minutes, to 00:11:10\n  sessions  frauds\n         0       0"
        )
        == 2
    )
    assert [row["frauds"] for row in tables.read(spark, reports.FRAUD_COUNTS, unit).collect()] == [0]
