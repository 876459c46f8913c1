"""The two domains that run on the same broker, replay, ledger and plot: music, and the shop. Here is how they differ.

A domain has two topics. The master is cut into batches of 200 rows, and the companion's rows of the same span of time
go with each batch. A world says which domain it is of (`runtime.world.World.domain`).
"""

from dataclasses import dataclass
from typing import Literal

from contracts import events, shop


@dataclass(frozen=True, slots=True)
class Success:
    """Which rows of a topic the plot counts as a success: those whose field has a value, or is at least a number."""

    topic: str
    field: str
    value: str | None = None
    min_number: int | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of the live plot: the quantity that it shows over time, its title and what that means."""

    quantity: Literal["successes", "companion", "master", "flags"]
    title: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Domain:
    """What replay, reconciliation and plot need to know of the rows that they handle."""

    name: str
    master: str
    companion: str
    order_column: str
    """Column of a raw table that its rows are in order of, as milliseconds or a timestamp."""
    is_typed: bool
    """Whether raw columns are typed, and written as text when they are sent; else they are the text itself."""
    event_clock: Literal["event_time", "ts"]
    """Field that a reader takes as the event time. Where it is a time of the row's own, a later run of the replay moves
    the times on, and heartbeat rows move the watermark. Where it is the time of sending, rows travel unchanged, each
    once, and there is no heartbeat row."""
    user_column: str
    """Column that names whose row it is."""
    static: tuple[str, ...]
    """Its static tables."""
    session_table: str
    """Table of the scored sessions in the lake, and the query that writes it."""
    success: Success
    row_words: tuple[str, str]
    """What a person calls the rows of the two topics."""
    panels: tuple[Panel, ...]
    """Of the live plot, from top to bottom."""
    is_per_200: bool
    """Whether the plot shows counts per 200 rows of the master topic; else each batch's counts as they are."""
    scenario: str
    """Scenario of `playproof simulate` that makes such a world."""

    @property
    def topics(self) -> tuple[str, str]:
        """The topics, the master first."""
        return self.master, self.companion

    @property
    def has_heartbeats(self) -> bool:
        """Whether the replay sends rows that only move the watermark."""
        return self.event_clock == "event_time"


MUSIC = Domain(
    name="music",
    master=events.PLAYS,
    companion=events.ACTIVITY,
    order_column="event_time",
    is_typed=True,
    event_clock="event_time",
    user_column="user_id",
    static=("tracks", "users"),
    session_table="sessions",
    success=Success(events.PLAYS, "listen_ms", min_number=events.STREAM_MS),
    row_words=("plays", "activity rows"),
    panels=(
        Panel("successes", "Streams per batch", "plays of 30 s or more in a batch of 200"),
        Panel("companion", "Activity per batch", "rows of other client activity per 200 plays"),
        Panel(
            "flags",
            "Flagged sessions",
            "suspected by the model, scored in the 2 minutes before · dashed: alerts inside open sessions",
        ),
    ),
    is_per_200=True,
    scenario="default",
)
SHOP = Domain(
    name="shop",
    master=shop.BROWSING,
    companion=shop.TRANSACTIONS,
    order_column=shop.ORDER_COLUMN,
    is_typed=False,
    event_clock="ts",
    user_column="customer_id",
    static=shop.STATIC,
    session_table="predictions",
    success=Success(shop.TRANSACTIONS, "payment_status", value=shop.SUCCESS),
    row_words=("browsing rows", "transactions"),
    panels=(
        Panel("successes", "Successful payments per batch", "transactions with payment_status Success, by their ts"),
        Panel("companion", "Transactions per batch", "those sent with the batch, whatever came of the payment"),
        Panel("master", "Browsing rows per batch", "200, fewer in the last one"),
    ),
    is_per_200=False,
    scenario="shop",
)
DOMAINS = {domain.name: domain for domain in (MUSIC, SHOP)}
DOMAIN_OF_TOPIC = {topic: domain for domain in DOMAINS.values() for topic in domain.topics}
