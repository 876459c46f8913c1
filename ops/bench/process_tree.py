"""Meter what a process and all it started use: CPU-seconds, also of those that ended, and memory."""

from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import psutil

ENDS_WITHIN_S = 30.0


@dataclass(slots=True)
class TreeMeter:
    """Meters the tree below one process. Call `sample` often: usage after a process's last sample is not counted."""

    pid: int
    rss: int = 0
    """Bytes at the last sample."""
    peak_rss: int = 0
    """Bytes, the largest sum over the tree; pages that forked processes share count in each of them."""
    _cpu_s: dict[psutil.Process, float] = field(default_factory=dict)
    _times: list[float] = field(default_factory=list)
    _totals: list[float] = field(default_factory=list)

    @property
    def cpu_s(self) -> float:
        """CPU-seconds of the tree up to the last sample, of processes that ended too."""
        return sum(self._cpu_s.values())

    def sample(self, now: float) -> None:
        """Read the usage of every process of the tree; nothing happens once its root has ended."""
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.pid)
            self._sample_processes([root, *root.children(recursive=True)], now)

    def _sample_processes(self, processes: list[psutil.Process], now: float) -> None:
        rss = 0
        for process in processes:
            with suppress(psutil.Error), process.oneshot():
                used = process.cpu_times()
                self._cpu_s[process] = used.user + used.system
                rss += process.memory_info().rss
        self.rss, self.peak_rss = rss, max(self.peak_rss, rss)
        self._times.append(now)
        self._totals.append(self.cpu_s)

    def cpu_s_at(self, moment: float) -> float:
        """Return CPU-seconds up to a moment, on the clock that `sample` was given, by linear interpolation."""
        return float(np.interp(moment, self._times, self._totals)) if self._times else 0.0

    def end(self) -> None:
        """Wait for every process of the tree to end, and kill what does not: a contender leaves nothing behind."""
        _, alive = psutil.wait_procs(list(self._cpu_s), timeout=ENDS_WITHIN_S)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive)


def machine_cpu_s() -> float:
    """Return the CPU-seconds that this whole machine has worked since it started."""
    used = psutil.cpu_times()
    # guests' time is part of their hosts'; idle, iowait and steal are no work of this machine
    return float(sum(getattr(used, kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq")))
