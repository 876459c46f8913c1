"""Counts as a feed would have gathered them, without Kafka: a morning of listeners, and bots if wanted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from consumer_viz.feed.counts import FeedCounts, Snapshot
from consumer_viz.feed.messages import Alert, FraudWindow, MessageCounts
from contracts.events import ACTIVITY, PLAYS, ROWS_PER_BATCH

NOW = 1_795_000_000
"""The moment of these tests; a whole ten seconds."""


@dataclass
class FakeFeed:
    """A feed that has read everything; its clock is set, never waited for."""

    counts: FeedCounts = field(default_factory=FeedCounts)
    now: float = NOW

    def snapshot(self, since: float = 0) -> Snapshot:
        return self.counts.snapshot(at=self.now, since=since)

    def wait_until_read(self, within_s: float) -> bool:
        return True


Listen = Callable[..., FakeFeed]


@pytest.fixture
def zone() -> ZoneInfo:
    return ZoneInfo("Australia/Melbourne")


@pytest.fixture
def listen() -> Listen:
    """Return a maker of feeds: `n` batches up to NOW, of which those in `attack` are a quarter bots."""

    def make(n: int = 600, attack: tuple[int, int] = (0, 0), per_s: int = 1, with_flags: bool = True) -> FakeFeed:
        rng, counts = np.random.default_rng(1), FeedCounts()
        began = NOW - n // per_s
        for i in range(n):
            ts = began + i // per_s
            bots = int(rng.binomial(ROWS_PER_BATCH, 0.25)) if attack[0] <= i < attack[1] else 0
            honest = ROWS_PER_BATCH - bots
            counts.add_rows(MessageCounts(PLAYS, ts, i, ROWS_PER_BATCH, bots + int(rng.binomial(honest, 0.62)), 0))
            counts.add_rows(MessageCounts(ACTIVITY, ts, i, int(honest * rng.normal(3.1, 0.25) + 0.6 * bots), 0, 0))
        if with_flags:
            seen_at = began + attack[0] / per_s + 40
            for end in range(began // 10 * 10 + 40, NOW + 120, 10):
                flagged = 30 if attack[1] and end > seen_at else 1
                counts.add_window(FraudWindow(end - 120, end, 300, flagged, 40 * flagged, 1))
            for second in range(24 if attack[1] else 0):
                sent_at = began + attack[0] / per_s + 12 + second
                counts.add_alert(Alert(f"u{second}:1", sent_at + 4, sent_at))
        return FakeFeed(counts)

    return make
