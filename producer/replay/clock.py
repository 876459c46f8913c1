"""Whether the job takes what a replay is about to send: it rejects what is too far ahead of the broker's clock."""

from producer.errors import ReplayError
from producer.replay.pace import Pace
from runtime.event_text import format_time
from runtime.units import MINUTE_MS
from runtime.world import World


def check_clock(world: World, clock_ms: int, sent_ms: int, ahead_ms: int) -> None:
    """Raise ReplayError where a message with this clock, sent at `sent_ms`, is over `ahead_ms` ahead. Epoch ms."""
    excess_ms = clock_ms - sent_ms - ahead_ms
    if excess_ms <= 0:
        return
    minutes = -((sent_ms - clock_ms) // MINUTE_MS)
    raise ReplayError(
        f"world {world.name} comes to {format_time(clock_ms)[:16]}Z, which is ahead of the clock of this machine, and "
        f"the job rejects what is over {ahead_ms // MINUTE_MS:,} minutes ahead of the broker's: to take it, set  "
        f"PLAYPROOF_CLOCK_AHEAD={minutes + 1}  for every command, and begin again with  playproof up --fresh"
    )


def arrival_ms(pace: Pace, first_ms: int, last_ms: int, now_ms: int) -> int:
    """Return when a replay that begins now sends a batch with clock `last_ms`; without a speed, now.

    >>> arrival_ms(Pace(speed=60), 0, 60_000, 5)
    1005
    """
    return now_ms + (int((last_ms - first_ms) / pace.speed) if pace.speed else 0)
