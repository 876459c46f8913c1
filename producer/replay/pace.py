"""When the next batch is due: every so many seconds, or by the listeners' clock."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from producer.errors import ReplayError

DEFAULT_INTERVAL_S = 1.0


@dataclass(slots=True)
class Pace:
    """Waits until a batch is due. Give `interval_s`, or `speed` in listener-seconds per second (0: never wait)."""

    interval_s: float | None = None
    speed: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    """Set by a signal; ends every wait at once."""
    now: Callable[[], float] = time.monotonic
    behind_s: float = 0.0
    """How far behind its time the last batch left; 0 where none has a time."""
    _began_at: float | None = None
    _began_ms: int = 0
    _batches: int = 0

    def __post_init__(self) -> None:
        if self.interval_s is not None and self.speed is not None:
            raise ReplayError("--interval and --speed exclude each other: give one (60 = sixty times real time)")
        if (self.interval_s or 0) < 0 or (self.speed or 0) < 0:
            raise ReplayError("--interval and --speed cannot be negative: 0 is as fast as possible")
        if self.interval_s is None and self.speed is None:
            self.interval_s = DEFAULT_INTERVAL_S

    def wait_s(self, clock_ms: int) -> float:
        """Seconds from now until the next batch, with this event-time clock, is due; 0 where it is due already."""
        if self._began_at is None:
            self._began_at, self._began_ms = self.now(), clock_ms
        if self.speed is None:
            after_s = self._batches * (self.interval_s or 0)
        else:
            after_s = (clock_ms - self._began_ms) / 1000 / self.speed if self.speed else 0
        self._batches += 1
        left_s = self._began_at + after_s - self.now()
        is_unpaced = self.speed == 0
        self.behind_s = 0.0 if is_unpaced else max(-left_s, 0.0)
        return max(left_s, 0)

    def wait(self, clock_ms: int) -> bool:
        """Wait until the next batch is due; False where the replay is to stop instead."""
        return not self.stop.wait(self.wait_s(clock_ms))
