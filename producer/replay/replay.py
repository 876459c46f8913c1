"""Replay a world's raw rows into the two topics of its domain, so that each row is sent exactly once.

A version's ledger has what was meant to be sent and what was acknowledged. A replay that was stopped or killed goes on
where it was. In a world of music a replay after one that came to its end, and so flushed all sessions, goes on with
event times moved ahead by whole days: with the rows not sent yet, or with the whole source again under new row ids. In
a shop, whose rows travel unchanged, it sends the rows not sent yet, and refuses where there are none.
"""

import time
from dataclasses import dataclass

from contracts.events import CLOCK_AHEAD_MINUTES
from producer.errors import DeliveryError
from producer.replay.attempt import Attempt, ReportProgress, rows_since
from producer.replay.batch_messages import OpenMaker, open_plain
from producer.replay.health import ReplayHealth
from producer.replay.ledger import Ledger
from producer.replay.pace import Pace
from runtime.kafka.access import wait_until_up
from runtime.kafka.connection import KafkaConnection
from runtime.units import MINUTE_MS
from runtime.world import World

ATTEMPTS = 5
"""How often a replay goes on by itself after the broker failed it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one replay sent. Rows by topic: copies included, heartbeats left out."""

    rows: dict[str, int]
    batches: int
    seconds: float
    next_batch: int
    is_stopped: bool

    @property
    def rows_per_s(self) -> float:
        return sum(self.rows.values()) / max(self.seconds, 1e-9)


def replay(
    world: World,
    kafka: KafkaConnection,
    pace: Pace,
    open_maker: OpenMaker = open_plain,
    *,
    batches: int | None = None,
    report_progress: ReportProgress = lambda rows, clock_ms: None,
    health: ReplayHealth | None = None,
    clock_ahead_ms: int = CLOCK_AHEAD_MINUTES * MINUTE_MS,
) -> Outcome:
    """Send a world's source, or `batches` batches of it, then flush (music), unless stopped through `pace.stop`.

    `open_maker` gives what makes a batch's messages: its rows as they are, or a layer around that. Where the broker
    fails the replay, it waits for the broker and goes on from the ledger. Keeps `health` up to date for others to
    read. The job rejects what is over `clock_ahead_ms` ahead of the broker's clock, so that is not sent. Raises
    ReplayError.
    """
    began_at, health = time.monotonic(), health or ReplayHealth()
    with Ledger(world.unit.ledger) as ledger:
        rows_before, first_batch = ledger.state.rows_acknowledged.copy(), ledger.state.next_batch
        until_batch = None if batches is None else first_batch + batches
        make_messages = open_maker(world.unit.ledger, first_batch)
        is_complete = False
        for number in range(1, ATTEMPTS + 1):
            wait_until_up(kafka)
            try:
                attempt = Attempt(world, ledger, kafka, make_messages, rows_before, health, clock_ahead_ms)
                is_complete = attempt.run(pace, until_batch, report_progress)
                break
            except DeliveryError:
                health.errors += 1
                if number == ATTEMPTS:
                    raise
                ledger.reload()
        rows = rows_since(ledger.state, rows_before, world.domain.topics)
        next_batch = ledger.state.next_batch
    return Outcome(rows, next_batch - first_batch, time.monotonic() - began_at, next_batch, not is_complete)
