"""A replay's pace in batches per second, which another thread may change at any moment."""

import math
import threading
import time
from collections.abc import Callable

from producer.replay.pace import Pace

FLOOD = math.inf
CHECK_EVERY_S = 0.05


class RatePace(Pace):
    """Lets a replay send so many batches per second: 0 holds it, FLOOD never waits."""

    def __init__(self, now: Callable[[], float] = time.monotonic, stop: threading.Event | None = None) -> None:
        super().__init__(speed=0, now=now, stop=stop or threading.Event())
        self._lock = threading.Lock()
        self._batches_per_s = 0.0
        self._due_at = self.now()
        self.batches = 0
        """Batches let through so far."""

    def set_rate(self, batches_per_s: float) -> None:
        """Change the rate from now on."""
        with self._lock:
            self._batches_per_s, self._due_at = batches_per_s, self.now()

    def wait(self, clock_ms: int) -> bool:
        """Wait until the next batch is due; False where the replay is to stop instead."""
        while not self.stop.is_set():
            with self._lock:
                left_s = self._due_at - self.now() if self._batches_per_s else CHECK_EVERY_S
                if left_s <= 0:
                    # a batch that leaves late does not make the next one late
                    self._due_at += 1 / self._batches_per_s
                    self.batches += 1
                    return True
            self.stop.wait(min(left_s, CHECK_EVERY_S))
        return False
