"""Three reports by the clock: frauds of the last 2 minutes, quantity of products not flagged, top 20 products.

Each reads the predictions as they are written, and a `rate` stream that gives a row per micro-batch, a tick: so a
report comes when it is due, also while nothing is predicted, and the count of the last 2 minutes falls to 0 by itself.
"""

from functools import partial

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import Window as W
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from runtime.world import Unit
from spark_app.queries.batch_folder import write_batch_folder
from spark_app.queries.console import local_time, table
from spark_app.shop import tables
from spark_app.sources import with_ticks

FRAUD_COUNTS, QUANTITIES, TOP_PRODUCTS = "fraud_counts", "quantities", "top_products"
WINDOW, SLIDE = "2 minutes", "10 seconds"
OPEN_FOR = "3 minutes"
"""How long a window is kept after its end: a prediction is written some seconds after its `scored_at`."""
N = 20


def count_frauds(scored: DataFrame) -> DataFrame:
    """Count sessions and frauds per window of 2 minutes that begins every 10 s: contracts.shop.FRAUD_COUNTS.

    The watermark is that of the predictions alone: a tick is always newer, and would make them late.
    """
    return (
        scored.select("scored_at", "prediction")
        .withWatermark("scored_at", OPEN_FOR)
        .transform(with_ticks)
        .groupBy(F.window("scored_at", WINDOW, SLIDE))
        .agg(F.count("prediction").alias("sessions"), F.count_if(F.col("prediction") == 1).alias("frauds"))
        .select("window.start", "window.end", "sessions", "frauds")
        .toDF("window_start", "window_end", "sessions", "frauds")
    )


def total_quantity(scored: DataFrame) -> DataFrame:
    """Add up the products in the carts of sessions that are not flagged: one row, contracts.shop.QUANTITIES."""
    return scored.transform(products_not_flagged).agg(F.coalesce(F.sum("quantity"), F.lit(0)).alias("quantity"))


def top_products(scored: DataFrame, products: DataFrame) -> DataFrame:
    """Rank products by their quantity in sessions that are not flagged: contracts.shop.TOP_PRODUCTS."""
    return (
        scored.transform(products_not_flagged)
        .groupBy("product_id")
        .agg(F.sum("quantity").alias("quantity"))
        # the ticks have no product
        .where("product_id IS NOT NULL")
        .join(F.broadcast(products.select("product_id", "name")), on="product_id", how="left")
        .select("product_id", "name", "quantity")
        .orderBy(F.desc("quantity"), "product_id")
        .limit(N)
    )


def products_not_flagged(scored: DataFrame) -> DataFrame:
    """Return one row per product in the carts of sessions with prediction 0; a tick has no product."""
    timed = scored.select("scored_at", "prediction", "cart").transform(with_ticks)
    return timed.where("prediction = 0 OR prediction IS NULL").select(F.inline_outer("cart"))


def build_reports(spark: SparkSession, unit: Unit, products: DataFrame) -> dict[str, DataStreamWriter]:
    """Return the three queries by name, unstarted."""
    scored = tables.stream(spark, tables.PREDICTIONS, unit)
    kinds = {
        FRAUD_COUNTS: (count_frauds(scored), "update", SLIDE),
        QUANTITIES: (total_quantity(scored), "complete", "30 seconds"),
        TOP_PRODUCTS: (top_products(scored, products), "complete", "60 seconds"),
    }
    return {
        name: report.writeStream.queryName(name)
        .outputMode(mode)
        .foreachBatch(partial(WRITERS[name], unit=unit))
        .option("checkpointLocation", str(unit.checkpoints / name))
        .trigger(processingTime=every)
        for name, (report, mode, every) in kinds.items()
    }


def current_window(windows: DataFrame) -> DataFrame:
    """Return the window of now: of those that the newest tick is in, the one that ends first."""
    newest_end = F.max("window_end").over(W.partitionBy())
    is_current = F.expr(f"window_end = newest_end - INTERVAL {WINDOW} + INTERVAL {SLIDE}")
    return windows.withColumn("newest_end", newest_end).where(is_current).drop("newest_end")


def report_frauds(windows: DataFrame, batch_id: int, *, unit: Unit) -> None:
    """Report the 2 minutes that end now."""
    zone = windows.sparkSession.conf.get("spark.sql.session.timeZone") or "UTC"
    for row in save(current_window(windows), FRAUD_COUNTS, batch_id, unit):
        heading = f"frauds of the last 2 minutes, to {local_time(row['window_end'], zone)}"
        print(table(heading, ["sessions", "frauds"], [[row["sessions"], row["frauds"]]]), flush=True)


def report_quantity(total: DataFrame, batch_id: int, *, unit: Unit) -> None:
    """Report the quantity so far."""
    for row in save(total, QUANTITIES, batch_id, unit):
        print(table("products in sessions not flagged", ["quantity"], [[row["quantity"]]]), flush=True)


def report_products(ranked: DataFrame, batch_id: int, *, unit: Unit) -> None:
    """Report the top products so far."""
    rows = [
        [str(r["product_id"]), r["name"] or "unknown", r["quantity"]]
        for r in save(ranked, TOP_PRODUCTS, batch_id, unit)
    ]
    print(table(f"top {N} products in sessions not flagged", ["product", "name", "quantity"], rows), flush=True)


def save(report: DataFrame, name: str, batch_id: int, unit: Unit) -> list[Row]:
    """Compute a report, a few rows, write it to the folder of its micro-batch, and return it.

    Once: each action on the frame of a micro-batch would compute the micro-batch again.
    """
    rows = report.collect()
    version = report.sparkSession.createDataFrame(rows, report.schema)
    write_batch_folder(version.coalesce(1), unit.table(name), batch_id)
    return rows


WRITERS = {FRAUD_COUNTS: report_frauds, QUANTITIES: report_quantity, TOP_PRODUCTS: report_products}
