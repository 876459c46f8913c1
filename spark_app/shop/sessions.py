"""Rows to sessions: one aggregation per topic by session_id, and a stream-stream join of the two.

A stream never ends, so a session needs a rule for when it is complete: it is, once no row of it was sent for GAP, and
the watermark has passed that moment. A tumbling window would cut sessions in two at each of its edges.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.shop import FAIL, INTENT_LEVELS
from spark_app.shop.rows import HEARTBEAT, PLACE

WATERMARK_DELAY = "1 minute"
"""A row that was sent so long before the newest one is late, and dropped."""
GAP = "30 seconds"
"""A session with no row sent for so long is complete. It is time of sending: a batch covers minutes of the shop."""
JOIN_WITHIN = "1 minute"
"""The last rows of a session's browsing and of its transactions are sent at most so far apart."""


def drop_late(rows: DataFrame) -> DataFrame:
    """Drop the rows sent before the watermark, and let Spark count them one by one; then drop the heartbeats.

    Without this step Spark compares the end of a session with the watermark, and counts groups of rows. The key is a
    row's place in its topic, so no row is a duplicate. Heartbeats go last: they must have moved the watermark before.
    """
    if rows.isStreaming:
        rows = rows.withWatermark("sent_at", WATERMARK_DELAY).dropDuplicatesWithinWatermark(list(PLACE))
    return rows.where(F.col("session_id") != HEARTBEAT)


def browsing_sessions(browsing: DataFrame, gap: str = GAP) -> DataFrame:
    """Aggregate browsing rows by session: counts by type and level, times, device; `browsed_at`, its event time."""
    window = F.session_window("sent_at", gap)
    levels = [
        F.count_if(F.col("event_type").isin(*types)).alias(f"{level.lower()}_events")
        for level, types in INTENT_LEVELS.items()
    ]
    sessions = browsing.groupBy("session_id", window.alias("browsing_window")).agg(
        F.min("customer_id").alias("customer_id"),
        F.count("*").alias("browsing_rows"),
        *levels,
        F.count_if(F.col("event_type") == "VP").alias("promo_views"),
        F.count_if(F.col("event_type") == "ATC").alias("cart_adds"),
        F.count_if(F.col("event_type") == "AP").alias("promo_codes"),
        F.min("event_time").alias("started_at"),
        F.max("event_time").alias("ended_at"),
        F.min(F.when(F.col("event_type") == "CO", F.col("event_time"))).alias("checkout_at"),
        F.max_by("traffic_source", "event_time").alias("traffic_source"),
        F.max_by("device_type", "event_time").alias("device_type"),
    )
    # one row per session
    return sessions.withColumn("browsed_at", F.window_time("browsing_window")).drop("browsing_window")


def session_carts(transactions: DataFrame, gap: str = GAP) -> DataFrame:
    """Aggregate transactions by session: amounts, items, the last payment; `bought_at`, its event time."""
    window = F.session_window("sent_at", gap)
    carts = transactions.groupBy(F.col("session_id").alias("cart_session_id"), window.alias("cart_window")).agg(
        F.min("customer_id").alias("cart_customer_id"),
        F.count("*").alias("transaction_rows"),
        F.sort_array(F.collect_list("transaction_id")).alias("transaction_ids"),
        F.count_if(F.col("payment_status") == FAIL).alias("failed_payments"),
        F.flatten(F.collect_list("cart")).alias("cart"),
        F.max("dearest").alias("dearest"),
        *(F.sum(name).cast("double").alias(name) for name in ("total_amount", "promo_amount", "shipment_fee")),
        F.max("created_at").alias("paid_at"),
        *(
            F.max_by(name, "created_at").alias(name)
            for name in ("payment_method", "shipment_location_lat", "shipment_location_long")
        ),
    )
    # one row per session
    return carts.withColumn("bought_at", F.window_time("cart_window")).drop("cart_window")


def join_carts(sessions: DataFrame, carts: DataFrame) -> DataFrame:
    """Join browsing and transactions of the same session. Full outer: neither side vanishes where it has no partner.

    The time bound tells Spark how long to wait for a partner; without it, both sides would stay in the state for ever.
    """
    is_same_session = F.expr(
        f"session_id = cart_session_id AND bought_at BETWEEN browsed_at - INTERVAL {JOIN_WITHIN} "
        f"AND browsed_at + INTERVAL {JOIN_WITHIN}"
    )
    joined = sessions.join(carts, on=is_same_session, how="full_outer")
    return (
        joined.withColumn("session_id", F.coalesce("session_id", "cart_session_id"))
        .withColumn("customer_id", F.coalesce("customer_id", "cart_customer_id"))
        .withColumn("started_at", F.coalesce("started_at", "paid_at"))
        .drop("cart_session_id", "cart_customer_id", "browsed_at", "bought_at")
    )
