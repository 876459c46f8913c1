"""Sessions as flat NumPy arrays: what every feature is computed from.

Spark hands over many sessions at once as an Arrow list of structs; flattened, one vectorised pass per feature serves
them all. (Higher-order functions over the array run interpreted in Spark, element by element.)
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from runtime.arrays import Bools, Floats, Ints
from spark_app.stages.arrays.segments import runs, sum_by
from spark_app.stages.sessions import rows as layout

MAX_LOOP_LAG = 12
FLAT_MS = 10**11
"""Wider than any session in ms: keeps the sessions of a running maximum apart."""


def _longs(struct: pa.StructArray, name: str) -> tuple[Ints, Bools]:
    """Return a long field with nulls as 0, and where it is known."""
    column = struct.field(name)
    return column.fill_null(0).to_numpy(zero_copy_only=False), column.is_valid().to_numpy(zero_copy_only=False)


@dataclass(frozen=True)
class SessionBatch:
    """`n` sessions. Row arrays are sorted by (session, event time, id); `session` is each row's session, 0 to n − 1."""

    n: int
    session: Ints
    event_ms: Ints
    id_hash: Ints
    ts: Ints
    code: Ints
    listen_ms: Ints
    duration_ms: Ints
    track: Ints
    """Place in `track_names`; −1 for activity."""
    track_names: pa.Array
    artist: Ints
    has_artist: Bools
    popularity: Floats
    device: Ints
    has_device: Bools
    ip: Ints
    has_ip: Bools
    client_session: pa.Array
    no_listen: Bools | None = None
    """Plays that do not say how long they were heard (`listen_ms` is 0 there); None where all do."""

    @classmethod
    def from_arrow(cls, items: pa.ListArray) -> "SessionBatch":
        """Flatten an Arrow list<struct ITEM>, one list a session."""
        struct = items.flatten()
        lengths = items.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        session = np.repeat(np.arange(len(items), dtype=np.int64), lengths)
        event_ms, _ = _longs(struct, "event_ms")
        id_hash, _ = _longs(struct, "id_hash")
        order = np.lexsort((id_hash, event_ms, session))
        struct = struct.take(pa.array(order))

        tracks = struct.field("track_id").dictionary_encode()
        packed, has_lengths = _longs(struct, "lengths")
        artist, has_artist = _longs(struct, "artist")
        device, has_device = _longs(struct, "device")
        ip, has_ip = _longs(struct, "ip")
        return cls(
            n=len(items),
            session=session[order],
            event_ms=event_ms[order],
            id_hash=id_hash[order],
            ts=_longs(struct, "ts")[0],
            code=_longs(struct, "code")[0],
            listen_ms=packed >> 32,
            duration_ms=packed & 0xFFFFFFFF,
            track=tracks.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64),
            track_names=tracks.dictionary,
            artist=artist,
            has_artist=has_artist,
            popularity=struct.field("popularity").cast(pa.float64()).to_numpy(zero_copy_only=False),
            device=device,
            has_device=has_device,
            ip=ip,
            has_ip=has_ip,
            client_session=struct.field("session_id"),
            no_listen=None if has_lengths.all() else ~has_lengths,
        )

    # ---- per session

    def count(self, mask: Bools) -> Floats:
        """Count rows of `mask` by session."""
        return sum_by(self.session[mask], self.n)

    def total(self, values: NDArray[Any], mask: Bools) -> Floats:
        """Sum `values` (aligned with the rows) over `mask` by session."""
        return sum_by(self.session[mask], self.n, values[mask])

    def distinct(self, values: Ints, mask: Bools) -> Floats:
        """Count distinct values by session; NaN where `mask` has no row: not known is not zero."""
        session, _, _ = runs(self.session[mask], values[mask])
        found = sum_by(session, self.n)
        return np.where(found > 0, found, np.nan)

    def largest(self, values: Ints, mask: Bools) -> Ints:
        """Return the largest value by session; 0 where `mask` has no row."""
        out = np.zeros(self.n, dtype=np.int64)
        np.maximum.at(out, self.session[mask], values[mask])
        return out

    # ---- kinds of rows

    @cached_property
    def is_play(self) -> Bools:
        return (self.code & 0x1F) == 0

    @cached_property
    def action(self) -> Ints:
        """Place in ACTIONS; −1 for a play."""
        return (self.code & 0x1F) - 1

    @cached_property
    def network(self) -> Ints:
        """Place in NETWORKS; −1 where unknown."""
        return ((self.code >> layout.NETWORK_SHIFT) & 0x7) - 1

    @cached_property
    def country(self) -> Ints:
        """Letters of the country, a byte each; 0 where unknown."""
        return (self.code >> layout.COUNTRY_SHIFT) & 0xFFFF

    @cached_property
    def device_type(self) -> Ints:
        """Place in DEVICES; −1 where unknown."""
        return ((self.code >> layout.DEVICE_TYPE_SHIFT) & 0x7) - 1

    @cached_property
    def drm(self) -> Ints:
        """Place in DRMS; −1 where unknown."""
        return ((self.code >> layout.DRM_SHIFT) & 0x7) - 1

    @cached_property
    def codec(self) -> Ints:
        """Place in CODECS; −1 where unknown."""
        return ((self.code >> layout.CODEC_SHIFT) & 0x7) - 1

    @cached_property
    def by_device_type(self) -> Floats:
        """Rows by session and kind of device: shape (n, 7)."""
        return self._by_place(self.device_type)

    @cached_property
    def by_drm(self) -> Floats:
        """Rows by session and DRM: shape (n, 7)."""
        return self._by_place(self.drm)

    @cached_property
    def by_codec(self) -> Floats:
        """Rows by session and codec: shape (n, 7)."""
        return self._by_place(self.codec)

    def _by_place(self, places: Ints) -> Floats:
        return sum_by(self.session * 8 + places + 1, self.n * 8).reshape(self.n, 8)[:, 1:]

    @cached_property
    def plays(self) -> Floats:
        return self.count(self.is_play)

    @cached_property
    def all_rows(self) -> Bools:
        return np.ones(len(self.session), dtype=bool)

    # ---- plays in order of their start

    @cached_property
    def by_start(self) -> "Plays":
        start = self.event_ms - self.listen_ms
        chosen = np.flatnonzero(self.is_play)
        order = chosen[np.lexsort((self.event_ms[chosen], start[chosen], self.session[chosen]))]
        return Plays(self.session[order], start[order], self.event_ms[order], self.track[order])

    @cached_property
    def loops(self) -> tuple[Floats, Floats]:
        """The lag at which most plays equal the play that many back (the smallest in a tie), and how many do."""
        p = self.by_start
        best, best_lag = np.zeros(self.n), np.full(self.n, np.nan)
        for lag in range(1, MAX_LOOP_LAG + 1):
            again = (p.session[lag:] == p.session[:-lag]) & (p.track[lag:] == p.track[:-lag])
            found = sum_by(p.session[lag:][again], self.n)
            best_lag = np.where(found > best, lag, best_lag)
            best = np.maximum(best, found)
        return best_lag, best

    @cached_property
    def started_ms(self) -> Ints:
        """Earliest start of a play or activity row, by session."""
        first = np.full(self.n, np.iinfo(np.int64).max)
        np.minimum.at(first, self.session, self.event_ms - self.listen_ms)
        return first

    @cached_property
    def first_event_ms(self) -> Ints:
        """Earliest event_time by session; no two sessions of an account share it."""
        return self.event_ms[np.searchsorted(self.session, np.arange(self.n))]

    @cached_property
    def ended_ms(self) -> Ints:
        """Latest event_time by session."""
        return self.event_ms[np.searchsorted(self.session, np.arange(self.n), side="right") - 1]


@dataclass(frozen=True)
class Plays:
    """The plays of a batch, sorted by (session, start): arrays of equal length."""

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
        """Latest end of the plays of the session so far, this one included."""
        # times count from the session's own first start: a batch may hold sessions that lie decades apart
        shift = self.session * FLAT_MS - self.start_ms[np.searchsorted(self.session, self.session)]
        return np.maximum.accumulate(self.end_ms + shift) - shift

    @cached_property
    def silence_ms(self) -> Ints:
        """Silence before each play but a session's first: from the latest end before it to its start, at least 0."""
        return np.maximum(self.start_ms[1:] - self.heard_until_ms[:-1], 0)[self._same]
