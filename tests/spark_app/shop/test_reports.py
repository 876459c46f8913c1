"""The reports over predictions made by hand: products of sessions not flagged, and the window of now."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from runtime.world import Unit
from spark_app.shop import reports, tables
from tests.spark_app.shop.visits import static_tables


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
            "frauds of the last 2 minutes, to 00:11:10 UTC\n  sessions  frauds\n         0       0"
        )
        == 2
    )
    assert [row["frauds"] for row in tables.read(spark, reports.FRAUD_COUNTS, unit).collect()] == [0]
