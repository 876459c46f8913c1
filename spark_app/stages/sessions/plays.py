"""The plays of many sessions in order of their start, end to end: gaps and silences between them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from runtime.arrays import Bools, Floats, Ints

FLAT_MS = 10**11
"""Longer than any session, in ms: separates the sessions of one running maximum."""


@dataclass(frozen=True)
class Plays:
    """The plays of a SessionBatch, sorted by (session, start): arrays of equal length."""

    session: Ints
    start_ms: Ints
    end_ms: Ints
    track: Ints

    @cached_property
    def gap_session(self) -> Ints:
        """Session of each start-to-start gap."""
        return self.session[1:][self._same]

    @cached_property
    def gap_s(self) -> Floats:
        """Start-to-start gaps within a session, in seconds."""
        return np.diff(self.start_ms)[self._same] / 1000.0

    @cached_property
    def _same(self) -> Bools:
        return self.session[1:] == self.session[:-1]

    @cached_property
    def heard_until_ms(self) -> Ints:
        """Latest end of the session's plays up to each one, itself included."""
        # times count from the session's first start: one batch may hold sessions of different decades
        shift = self.session * FLAT_MS - self.start_ms[np.searchsorted(self.session, self.session)]
        return np.maximum.accumulate(self.end_ms + shift) - shift

    @cached_property
    def silence_ms(self) -> Ints:
        """Silence before each play except a session's first: from the latest end before it to its start, at least 0."""
        return np.maximum(self.start_ms[1:] - self.heard_until_ms[:-1], 0)[self._same]
