"""Counts as a feed would have gathered them, without Kafka: a morning of listeners, and bots if wanted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from consumer_viz.feed.messages import Arrival, FraudWindow
from consumer_viz.feed.tally import Snapshot, Tally
from contracts.events import ACTIVITY, PLAYS, ROWS_PER_BATCH

NOW = 1_795_000_000
"""The moment of these tests; a whole ten seconds."""


@dataclass
class FakeFeed:
    """A source whose clock is set, never waited for."""

    tally: Tally = field(default_factory=Tally)
    now: float = NOW

    def snapshot(self, since: float = 0) -> Snapshot:
        return self.tally.snapshot(at=self.now, since=since)


Listen = Callable[..., FakeFeed]


@pytest.fixture
def zone() -> ZoneInfo:
    return ZoneInfo("Australia/Melbourne")


@pytest.fixture
def listen() -> Listen:
    """Return a maker of feeds: `n` batches up to NOW, of which those in `attack` are a quarter bots."""

    def make(n: int = 600, attack: tuple[int, int] = (0, 0), per_s: int = 1, with_flags: bool = True) -> FakeFeed:
        rng, tally = np.random.default_rng(1), Tally()
        began = NOW - n // per_s
        for i in range(n):
            ts = began + i // per_s
            bots = int(rng.binomial(ROWS_PER_BATCH, 0.25)) if attack[0] <= i < attack[1] else 0
            honest = ROWS_PER_BATCH - bots
            tally.add(Arrival(PLAYS, ts, i, ROWS_PER_BATCH, bots + int(rng.binomial(honest, 0.62)), 0))
            tally.add(Arrival(ACTIVITY, ts, i, int(honest * rng.normal(3.1, 0.25) + 0.6 * bots), 0, 0))
        if with_flags:
            seen_at = began + attack[0] / per_s + 40
            for end in range(began // 10 * 10 + 40, NOW + 120, 10):
                flagged = 30 if attack[1] and end > seen_at else 1
                tally.add_window(FraudWindow(end - 120, end, 300, flagged, 40 * flagged, 1))
        return FakeFeed(tally)

    return make
