"""Windows of accounts as flat NumPy arrays: which summarized days are in which window, and what they add up to."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from contracts.account_windows import WINDOW_STEP_DAYS, WINDOWS_DAYS
from runtime.arrays import Bools, Floats, Ints
from runtime.units import SECOND_MS
from spark_app.stages.account_windows.account_days import AccountDays
from spark_app.stages.arrays.segments import sum_by
from spark_app.stages.user_days.day_batch import DAY_STEP


@dataclass(frozen=True)
class WindowBatch:
    """`n` windows with plays. `row` is a position in `days`, `window` the window that it is in, 0 to n − 1, sorted."""

    days: AccountDays
    n: int
    user: Ints
    """Account of each window."""
    last_day: Ints
    """Its last local day, as days since 1970."""
    length: Ints
    row: Ints
    window: Ints

    @classmethod
    def from_days(cls, d: AccountDays, accounts: Ints) -> "WindowBatch":
        """Cut the windows of accounts (positions in `users`): every WINDOW_STEP_DAYS back from the newest day."""
        newest = int(d.day.max(initial=0))
        ends = np.arange(newest, int(d.day.min(initial=newest)) - 1, -WINDOW_STEP_DAYS)
        user, last, length = (part.ravel() for part in np.meshgrid(accounts, ends, WINDOWS_DAYS, indexing="ij"))
        key = user * DAY_STEP + last
        low = np.searchsorted(d.key, np.maximum(key - length + 1, user * DAY_STEP))
        high = np.searchsorted(d.key, key, side="right")
        running = np.append(0.0, np.cumsum(d.plays))
        kept = running[high] > running[low]
        user, last, length, low, high = (part[kept] for part in (user, last, length, low, high))
        window, row = _ranges(low, high)
        return cls(d, len(user), user, last, length, row, window)

    def total(self, name: str) -> Floats:
        """Add up a column of the days, per window."""
        return sum_by(self.window, self.n, self.days.sums[name][self.row])

    def flat(self, *names: str) -> tuple[Ints, ...]:
        """Return window and values of the elements of columns of lists of equal length, in order of the days."""
        offsets = self.days.lists[names[0]].offsets
        of_pair, element = _ranges(offsets[self.row], offsets[self.row + 1])
        return self.window[of_pair], *(self.days.lists[name].values[element] for name in names)

    @cached_property
    def plays(self) -> Floats:
        return self.total("plays")

    # ---- days with a play

    @cached_property
    def active(self) -> Ints:
        """Positions in `row` of the days with a play."""
        return np.flatnonzero(self.days.plays[self.row] > 0)

    @cached_property
    def active_window(self) -> Ints:
        return self.window[self.active]

    @cached_property
    def active_row(self) -> Ints:
        return self.row[self.active]

    @cached_property
    def active_days(self) -> Floats:
        return sum_by(self.active_window, self.n)

    @cached_property
    def follows(self) -> Bools:
        """Which active days have an earlier one in their window."""
        same = np.zeros(len(self.active), dtype=bool)
        same[1:] = self.active_window[1:] == self.active_window[:-1]
        return same

    @cached_property
    def hours(self) -> Any:
        """Starts by local hour of each active day: shape (active days, 24)."""
        return self.days.lists["hours"].values.reshape(-1, 24)[self.active_row].astype(np.float64)

    # ---- gaps between starts, those over night too

    @cached_property
    def gaps(self) -> tuple[Ints, Floats]:
        """Window and length in seconds of each gap, in order."""
        d, follows = self.days, self.follows
        offsets = d.lists["gaps_ms"].offsets
        of_day, element = _ranges(offsets[self.active_row], offsets[self.active_row + 1])
        second = np.flatnonzero(follows)
        # two devices over midnight may start out of order
        over_night = np.maximum(
            d.first_start_ms[self.active_row[second]] - d.last_start_ms[self.active_row[second - 1]], 0
        )
        order = np.argsort(np.concatenate([second * 2, of_day * 2 + 1]), kind="stable")
        gap_ms = np.concatenate([over_night, d.lists["gaps_ms"].values[element]])[order]
        window = np.concatenate([self.active_window[second], self.active_window[of_day]])[order]
        return window, gap_ms / SECOND_MS

    def stretches(self, pause_ms: int) -> tuple[Ints, Ints, Ints, Floats]:
        """Return window, first and last event_time and plays of each stretch of plays without a longer pause.

        A pause is at least the one that ends a run (`account_days`).
        """
        window, begins, ends, plays = self.flat("run_begins_ms", "run_ends_ms", "run_plays")
        breaks = np.ones(len(window), dtype=bool)
        breaks[1:] = (window[1:] != window[:-1]) | (begins[1:] - ends[:-1] > pause_ms)
        first = np.flatnonzero(breaks)
        last = np.append(first[1:], len(window))[: len(first)] - 1
        stretch = np.cumsum(breaks) - 1
        return window[first], begins[first], ends[last], sum_by(stretch, len(first), plays)


def _ranges(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Return for ranges [low, high) the range that each element is of, and the element.

    >>> [part.tolist() for part in _ranges(np.array([0, 5, 7]), np.array([2, 5, 8]))]
    [[0, 0, 2], [0, 1, 7]]
    """
    sizes = high - low
    of = np.repeat(np.arange(len(sizes)), sizes)
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return of, low[of] + within
