"""Sessions to features: stream-static joins with customers, products and categories, then what a model reads."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.shop import NUMERIC_FEATURES, SESSION_KEYS, SHOP_FEATURES

EARTH_RADIUS_KM = 6371.0
"""Mean radius of the Earth (IUGG)."""
UNKNOWN = -1


def join_static(sessions: DataFrame, customers: DataFrame, products: DataFrame, categories: DataFrame) -> DataFrame:
    """Join each session with its customer, and its dearest item with the product and its category."""
    renamed = customers.withColumnRenamed("device_type", "usual_device")
    return (
        sessions.withColumn("product_id", F.col("dearest.product_id"))
        .join(F.broadcast(renamed), on="customer_id", how="left")
        .join(F.broadcast(products.select("product_id", "category_id")), on="product_id", how="left")
        .join(F.broadcast(categories.select("category_id", "master_category")), on="category_id", how="left")
    )


def add_features(sessions: DataFrame) -> DataFrame:
    """Compute the features: SESSION_KEYS and SHOP_FEATURES. What is missing is 0 or UNKNOWN."""
    seconds = F.unix_millis("ended_at") - F.unix_millis("started_at")
    goods = F.aggregate("cart", F.lit(0.0), lambda total, item: total + item["item_price"] * item["quantity"])
    computed = {
        "l1_share": F.col("l1_events") / F.col("browsing_rows"),
        "duration_s": seconds / 1000,
        "seconds_per_event": seconds / 1000 / F.greatest(F.col("browsing_rows") - 1, F.lit(1)),
        "seconds_to_checkout": or_unknown((F.unix_millis("checkout_at") - F.unix_millis("started_at")) / 1000),
        "local_hour": F.pmod(F.floor(F.unix_seconds("started_at") / 3600) + 7, F.lit(24)).cast("int"),
        "items": F.aggregate("cart", F.lit(0).cast("bigint"), lambda total, item: total + item["quantity"]),
        "dearest_price": F.col("dearest.item_price"),
        "promo_share": F.try_divide(F.col("promo_amount"), goods),
        "distance_km": or_unknown(distance_km()),
        "account_days": or_unknown(days_since("first_join_date")),
        "age_years": or_unknown(days_since("birthdate") / 365.25),
        "is_other_device": (F.col("device_type") != F.col("usual_device")).cast("int"),
    }
    numbers = {f.name: F.coalesce(F.col(f.name).cast(f.type), F.lit(0).cast(f.type)) for f in NUMERIC_FEATURES}
    return (
        sessions.withColumns(computed)
        .withColumns(numbers)
        .select(*(column.name for column in (*SESSION_KEYS, *SHOP_FEATURES)))
    )


def or_unknown(value: Column) -> Column:
    """Return the value, or UNKNOWN where it is null."""
    return F.coalesce(value, F.lit(UNKNOWN))


def days_since(date: str) -> Column:
    """Return the days from a date to the start of the session, in UTC: not in the zone of the Spark session."""
    return F.floor(F.unix_seconds("started_at") / 86_400) - F.unix_date(date)


def distance_km() -> Column:
    """Return the great-circle distance from home to the place of shipment, by the haversine formula."""
    lat, home_lat = F.radians("shipment_location_lat"), F.radians("home_location_lat")
    long, home_long = F.radians("shipment_location_long"), F.radians("home_location_long")
    h = F.sin((lat - home_lat) / 2) ** 2 + F.cos(lat) * F.cos(home_lat) * F.sin((long - home_long) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * F.asin(F.sqrt(h))
