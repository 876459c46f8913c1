"""The shop: a second domain on the same broker, replay, job and plot. Its files, its two topics and its vocabularies.

Browsing rows say what a customer's client did; a transaction row is one checkout of a session. Files are CSV, and every
field travels as the untouched string of its file. Only `ts`, the time of sending, is an integer.

On the wire a message of either topic is a JSON list of up to 200 objects: the columns of the file in its order, and
`ts` as the last one. A batch without transactions sends the empty list, so that its count is 0 and not unknown. There
is no row that is not in the files: no heartbeat row, neither between batches nor at the end. The headers are those of
contracts.events.
"""

from dataclasses import dataclass

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
