"""The shop: a second domain on the same broker, replay, job and plot. Its files, topics, vocabularies and tables.

Browsing rows say what a customer's client did; a transaction row is one checkout of a session. Files are CSV, and every
field travels as the untouched string of its file. Only `ts`, the time of sending, is an integer.

On the wire a message of either topic is a JSON list of up to 200 objects: the columns of the file in its order, and
`ts` as the last one. A batch without transactions sends the empty list, so that its count is 0 and not unknown. There
is no row that is not in the files: no heartbeat row, neither between batches nor at the end. The headers are those of
contracts.events.
"""

from dataclasses import dataclass

from contracts.column import Column

BROWSING, TRANSACTIONS = "browsing", "transactions"
TOPICS = (BROWSING, TRANSACTIONS)
"""The master first: a batch is 200 of its rows, and the rows of the other topic in their span of time."""

EVENT_TYPES: dict[str, str] = {
    "HP": "home page",
    "SCR": "scroll",
    "CL": "click",
    "VI": "view of an item",
    "VP": "view of a promotion",
    "ATC": "item added to the cart",
    "AP": "promo code added",
    "CO": "checkout",
}
INTENT_LEVELS: dict[str, tuple[str, ...]] = {
    "L1": ("AP", "ATC", "CO"),
    "L2": ("VP", "VI"),
    "L3": ("SCR", "HP", "CL"),
}
"""Event types by how near they are to buying, the nearest first: features count them by level."""
TRAFFIC_SOURCES = ("MOBILE", "WEB")
DEVICE_TYPES = ("Android", "iOS")
PAYMENT_METHODS = ("Credit Card", "Debit Card", "Gopay", "OVO", "LinkAja")
SUCCESS, FAIL = "Success", "Fail"
PAYMENT_STATUSES = (SUCCESS, FAIL)

TIME_FORMAT = "yyyy-MM-dd HH:mm:ss.SSS"
"""Times of the files, in UTC: `2024-01-01 00:20:54.302`."""

CARD_TESTING, PROMO_ABUSE, TAKEOVER = "card_testing", "promo_abuse", "takeover"
FRAUD_FAMILIES: dict[str, str] = {
    CARD_TESTING: "one client tries stolen cards on cheap items, in checkouts of a few seconds, most of which fail",
    PROMO_ABUSE: "new accounts of one household take the promo code of first orders again and again",
    TAKEOVER: "a stranger in an old account sends dear items to a place of his own",
}


@dataclass(frozen=True, slots=True)
class ShopColumn:
    """One column of a file: its type once it is cast, in Spark DDL, and what it means."""

    name: str
    type: str
    meaning: str
    values: tuple[str, ...] = ()


BROWSING_COLUMNS = (
    ShopColumn("session_id", "string", "the visit"),
    ShopColumn("event_type", "string", "what the client did", tuple(EVENT_TYPES)),
    ShopColumn("event_time", "timestamp", "when"),
    ShopColumn("traffic_source", "string", "app or browser", TRAFFIC_SOURCES),
    ShopColumn("device_type", "string", "system of the device", DEVICE_TYPES),
    ShopColumn("customer_id", "string", "the customer"),
)
TRANSACTION_COLUMNS = (
    ShopColumn("created_at", "timestamp", "when the checkout happened"),
    ShopColumn("customer_id", "string", "the customer"),
    ShopColumn("transaction_id", "string", "the transaction, unique"),
    ShopColumn("session_id", "string", "the visit that it ended"),
    ShopColumn("product_metadata", "string", "the cart: [{'product_id': 1, 'quantity': 2, 'item_price': 3}, …]"),
    ShopColumn("payment_method", "string", "how it was paid", PAYMENT_METHODS),
    ShopColumn("payment_status", "string", "whether the payment went through", PAYMENT_STATUSES),
    ShopColumn("promo_amount", "decimal(12,2)", "what the promo code took off"),
    ShopColumn("promo_code", "string", "the promo code; empty without one"),
    ShopColumn("shipment_fee", "decimal(12,2)", "cost of shipping"),
    ShopColumn("shipment_location_lat", "double", "latitude it is sent to, degrees"),
    ShopColumn("shipment_location_long", "double", "longitude it is sent to, degrees"),
    ShopColumn("total_amount", "decimal(14,2)", "sum of price × quantity, less the promo, plus shipping"),
    ShopColumn("clear_payment", "int", "1 where the payment went through, else 0"),
)
CUSTOMER_COLUMNS = (
    ShopColumn("customer_id", "string", "the customer"),
    ShopColumn("gender", "string", "F or M"),
    ShopColumn("birthdate", "date", "date of birth"),
    ShopColumn("device_type", "string", "system of the usual device", DEVICE_TYPES),
    ShopColumn("home_location_lat", "double", "latitude of home, degrees"),
    ShopColumn("home_location_long", "double", "longitude of home, degrees"),
    ShopColumn("home_country", "string", "country of home"),
    ShopColumn("first_join_date", "date", "date of joining"),
)
PRODUCT_COLUMNS = (
    ShopColumn("product_id", "int", "the product"),
    ShopColumn("name", "string", "its name"),
    ShopColumn("category_id", "int", "its category"),
    ShopColumn("price", "int", "its price"),
    ShopColumn("year", "int", "year it came out"),
)
CATEGORY_COLUMNS = (
    ShopColumn("category_id", "int", "the category"),
    ShopColumn("master_category", "string", "first level"),
    ShopColumn("sub_category", "string", "second level"),
    ShopColumn("article_type", "string", "third level"),
)
COLUMNS: dict[str, tuple[ShopColumn, ...]] = {
    BROWSING: BROWSING_COLUMNS,
    TRANSACTIONS: TRANSACTION_COLUMNS,
    "customers": CUSTOMER_COLUMNS,
    "products": PRODUCT_COLUMNS,
    "categories": CATEGORY_COLUMNS,
}
"""Columns by file, in the order of the file."""
STATIC = tuple(name for name in COLUMNS if name not in TOPICS)
TIME_COLUMN = {BROWSING: "event_time", TRANSACTIONS: "created_at"}


ID_COLUMN = {TRANSACTIONS: "transaction_id"}
"""Column whose values are unique. Browsing rows have none: they are compared by all of their columns."""
ORDER_COLUMN = "event_ms"
"""Column that the import adds to the two raw tables: the row's time, epoch milliseconds. It is never sent."""
TS, TS_MEANING = "ts", "when the producer sent the batch, epoch seconds, the same in all its rows"


def column_names(file: str) -> tuple[str, ...]:
    """Return the names of a file's columns.

    >>> column_names("categories")
    ('category_id', 'master_category', 'sub_category', 'article_type')
    """
    return tuple(column.name for column in COLUMNS[file])


# Tables of the shop's job, and the features in them. A session without a transaction has 0 in the numbers of its
# transactions, and null in their texts. No feature is computed from truth, and none is an id.
NUMERIC_FEATURES = (
    Column("browsing_rows", "bigint", "events of the session"),
    Column("l1_events", "bigint", "events nearest to buying: promo code, cart, checkout"),
    Column("l2_events", "bigint", "views of items and promotions"),
    Column("l3_events", "bigint", "home page, scrolls and clicks"),
    Column("l1_share", "double", "share of the events that are nearest to buying"),
    Column("promo_views", "bigint", "views of promotions"),
    Column("cart_adds", "bigint", "items added to the cart"),
    Column("promo_codes", "bigint", "promo codes added"),
    Column("duration_s", "double", "seconds from the first event to the last"),
    Column("seconds_per_event", "double", "seconds between two events, on average"),
    Column("seconds_to_checkout", "double", "seconds from the first event to the first checkout; -1 without one"),
    Column("local_hour", "int", "hour of day of the first event, UTC + 7 (western Indonesia)"),
    Column("transaction_rows", "bigint", "transactions of the session"),
    Column("failed_payments", "bigint", "transactions whose payment failed"),
    Column("items", "bigint", "quantity of products in its carts"),
    Column("total_amount", "double", "sum of what was to be paid"),
    Column("dearest_price", "double", "highest item price"),
    Column("promo_share", "double", "share of the goods' price that promo codes took off"),
    Column("shipment_fee", "double", "cost of shipping"),
    Column("distance_km", "double", "from the customer's home to where it is sent; -1 where one is unknown"),
    Column("account_days", "int", "days from the customer's joining to the session; -1 for an unknown customer"),
    Column("age_years", "double", "age of the customer; -1 for an unknown one"),
    Column("is_other_device", "int", "1 where the device is not the customer's usual one"),
)
CATEGORICAL_FEATURES = (
    Column("traffic_source", "string", "app or browser"),
    Column("device_type", "string", "system of the device"),
    Column("payment_method", "string", "how the last transaction was paid"),
    Column("gender", "string", "gender of the customer"),
    Column("master_category", "string", "first level of the category of the dearest item"),
)
SHOP_FEATURES = NUMERIC_FEATURES + CATEGORICAL_FEATURES

SESSION_KEYS = (
    Column("session_id", "string", "the visit, as the client says"),
    Column("customer_id", "string", "the customer"),
    Column("started_at", "timestamp", "its first event; of a session without browsing rows, its last transaction"),
    Column("transaction_ids", "array<string>", "its transactions, in order of their ids; null without one"),
    Column(
        "cart",
        "array<struct<product_id: int, quantity: int, item_price: double>>",
        "what is in the carts of its transactions; null without one",
    ),
)
PREDICTIONS = (
    *SESSION_KEYS,
    *SHOP_FEATURES,
    Column("rawPrediction", "array<double>", "the model's margins: honest, fraud"),
    Column("probability", "array<double>", "the same as probabilities"),
    Column("prediction", "double", "1 for fraud: its probability is over the model's threshold; else 0"),
    Column("scored_at", "timestamp", "when its micro-batch was scored"),
)
"""One row per session, from browsing rows, from transactions, or from both. `browsing_rows` and `transaction_rows` say
how many rows of each topic it has, so every row that is neither late nor rejected is counted in one place."""
REJECTED = (
    Column("topic", "string", "topic of the row"),
    Column("partition", "int", "partition of its message"),
    Column("offset", "bigint", "offset of its message"),
    Column("position", "int", "place in the message's list, from 0; null for a message that is no list"),
    Column("rows", "int", "1; for a message that is no list, the rows that its header says"),
    Column("reason", "string", "the first rule that it breaks"),
    Column("text", "string", "the row as JSON, or the message"),
)
FRAUD_COUNTS = (
    Column("window_start", "timestamp", "start of the window"),
    Column("window_end", "timestamp", "its end, exclusive"),
    Column("sessions", "bigint", "sessions scored in it"),
    Column("frauds", "bigint", "those with prediction 1"),
)
QUANTITIES = (Column("quantity", "bigint", "products in the carts of sessions with prediction 0, since the start"),)
TOP_PRODUCTS = (
    Column("product_id", "int", "the product"),
    Column("name", "string", "its name; null where the product is unknown"),
    Column("quantity", "bigint", "how many of it are in the carts of sessions with prediction 0, since the start"),
)
SHOP_TABLES = {
    "predictions": PREDICTIONS,
    "rejected": REJECTED,
    "fraud_counts": FRAUD_COUNTS,
    "quantities": QUANTITIES,
    "top_products": TOP_PRODUCTS,
}
"""Tables by name, in `lake/` of the version. The reports are folders `batch_id=N`, the newest of which holds."""
