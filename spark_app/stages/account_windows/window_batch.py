"""Windows of accounts as flat NumPy arrays: each window is read as one long session, by the features of a session."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from contracts.account_windows import WINDOW_STEP_DAYS, WINDOWS_DAYS
from runtime.arrays import Bools, Floats, Ints
from spark_app.stages.arrays.segments import sum_by
from spark_app.stages.sessions.session_batch import SessionBatch
from spark_app.stages.user_days.day_batch import DAY_STEP, DayBatch


@dataclass(frozen=True)
class WindowBatch:
    """`n` windows with plays. `row` is each play's position in `days`; `window` its window, 0 to n − 1, sorted."""

    days: DayBatch
    n: int
    user: Ints
    """Account of each window."""
    last_day: Ints
    """Its last local day, as days since 1970."""
    length: Ints
    row: Ints
    window: Ints
    first_day: Ints
    """Its first user-day, and the one after its last: positions in `days`."""
    end_day: Ints

    @classmethod
    def from_days(cls, b: DayBatch, accounts: Ints) -> "WindowBatch":
        """Cut the windows of accounts (positions in `users`): every WINDOW_STEP_DAYS back from the batch's last day."""
        newest = int(b.day_number.max(initial=0))
        ends = np.arange(newest, int(b.day_number.min(initial=newest)) - 1, -WINDOW_STEP_DAYS)
        user, last, length = (part.ravel() for part in np.meshgrid(accounts, ends, WINDOWS_DAYS, indexing="ij"))
        day_key = b.day_user * DAY_STEP + b.day_number
        key = user * DAY_STEP + last
        low = np.searchsorted(day_key, np.maximum(key - length + 1, user * DAY_STEP))
        high = np.searchsorted(day_key, key, side="right")
        plays = np.flatnonzero(b.is_play)
        play_of_day = np.searchsorted(b.day[plays], np.arange(b.n + 1))
        first, end = play_of_day[low], play_of_day[high]
        kept = end > first
        user, last, length, first, end, low, high = (part[kept] for part in (user, last, length, first, end, low, high))
        sizes = end - first
        window = np.repeat(np.arange(len(user)), sizes)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        row = plays[np.repeat(first, sizes) + within]
        return cls(b, len(user), user, last, length, row, window, low, high)

    @cached_property
    def as_sessions(self) -> SessionBatch:
        """The same rows, a session for each window."""
        whole = self.days.as_sessions
        per_row = {
            field.name: getattr(whole, field.name)[self.row]
            for field in fields(whole)
            if isinstance(getattr(whole, field.name), np.ndarray)
        }
        return replace(whole, **per_row | {"n": self.n, "session": self.window})

    @cached_property
    def plays(self) -> Floats:
        return self.as_sessions.plays

    @cached_property
    def active_days(self) -> Floats:
        """Days with a row, per window."""
        return sum_by(self.window[self.begins_day], self.n)

    @cached_property
    def begins_day(self) -> Bools:
        """Whether a play is the first of an active day, by play."""
        day = self.days.day[self.row]
        begins = np.ones(len(day), dtype=bool)
        begins[1:] = (day[1:] != day[:-1]) | (self.window[1:] != self.window[:-1])
        return begins

    @cached_property
    def days_of(self) -> tuple[Ints, Ints]:
        """Window and local day of each active day, in order."""
        return self.window[self.begins_day], self.days.day_number[self.days.day[self.row[self.begins_day]]]
