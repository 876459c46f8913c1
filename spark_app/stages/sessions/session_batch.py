"""Sessions as flat NumPy arrays: the input of every feature.

Spark sends many sessions at once, the rows of each as one binary value. End to end, one vectorised pass per feature
serves all of them. (Spark's higher-order functions over an array are interpreted, element by element.)
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from runtime.arrays import Bools, Floats, Ints
from spark_app.stages.arrays.ids import longs, one_array
from spark_app.stages.arrays.segments import runs, sum_by
from spark_app.stages.sessions import session_rows as layout
from spark_app.stages.sessions.plays import Plays
from spark_app.stages.sessions.session_records import read_records

MAX_LOOP_LAG = 12
_OF_FEATURES = (
    "event_ms", "id_hash", "ts", "code", "lengths", "track_id", "artist", "popularity", "device", "ip",
)  # fmt: skip


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
    """Index in `track_names`; −1 for activity."""
    track_names: pa.Array
    artist: Ints
    has_artist: Bools
    popularity: Floats
    device: Ints
    has_device: Bools
    ip: Ints
    has_ip: Bools
    client_session: pa.Array
    lacks_listen_ms: Bools | None = None
    """Rows without a `listen_ms` (it is 0 there); None where all rows have one."""

    @classmethod
    def from_records(cls, records: pa.Array, tracks: pa.ListArray, clients: pa.ListArray) -> "SessionBatch":
        """Read RECORD_COLUMNS of sessions, whose rows are sorted already."""
        rows = read_records(records, tracks, clients)
        packed, has_lengths = rows.longs("lengths"), rows.is_known("lengths")
        return cls(
            n=len(records),
            session=rows.session,
            event_ms=rows.longs("event_ms"),
            id_hash=rows.longs("id_hash"),
            ts=rows.longs("ts"),
            code=rows.longs("code"),
            listen_ms=packed >> 32,
            duration_ms=packed & 0xFFFFFFFF,
            track=rows.track,
            track_names=rows.track_names,
            artist=rows.longs("artist"),
            has_artist=rows.is_known("artist"),
            popularity=rows.popularity(),
            device=rows.longs("device"),
            has_device=rows.is_known("device"),
            ip=rows.longs("ip"),
            has_ip=rows.is_known("ip"),
            client_session=rows.client_session,
            lacks_listen_ms=None if has_lengths.all() else ~has_lengths,
        )

    @classmethod
    def from_rows(cls, rows: pa.Table, picked: Ints, session: Ints, n: int) -> "SessionBatch":
        """Read rows of ITEM by index, in the order of their sessions: what the same rows are as records.

        `picked` may name a row again, for another session. No client session is read.
        """
        index = pa.array(picked)
        columns = {name: one_array(rows[name]).take(index) for name in _OF_FEATURES}
        lengths = columns["lengths"]
        packed, tracks = longs(lengths), columns["track_id"].dictionary_encode()
        is_known = {
            name: columns[name].is_valid().to_numpy(zero_copy_only=False) for name in ("artist", "device", "ip")
        }
        return cls(
            n=n,
            session=session,
            event_ms=longs(columns["event_ms"]),
            id_hash=longs(columns["id_hash"]),
            ts=longs(columns["ts"]),
            code=longs(columns["code"]),
            listen_ms=packed >> 32,
            duration_ms=packed & 0xFFFFFFFF,
            track=tracks.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64),
            track_names=tracks.dictionary,
            artist=longs(columns["artist"]),
            has_artist=is_known["artist"],
            popularity=columns["popularity"].to_numpy(zero_copy_only=False),
            device=longs(columns["device"]),
            has_device=is_known["device"],
            ip=longs(columns["ip"]),
            has_ip=is_known["ip"],
            client_session=pa.nulls(len(picked), pa.string()),
            lacks_listen_ms=lengths.is_null().to_numpy(zero_copy_only=False) if lengths.null_count else None,
        )

    # ---- per session: shape (n,)

    def count(self, mask: Bools) -> Floats:
        """Count the rows of `mask`, per session."""
        if self._ends is None:
            return sum_by(self.session[mask], self.n)
        counted = np.append(0, np.cumsum(mask))
        return np.diff(counted[self._ends], prepend=0).astype(np.float64)

    @cached_property
    def _ends(self) -> Ints | None:
        """Where the rows of each session end; None where the rows are not in the order of their sessions."""
        if (np.diff(self.session) < 0).any():
            return None
        return np.cumsum(np.bincount(self.session, minlength=self.n))

    def total(self, values: NDArray[Any], mask: Bools) -> Floats:
        """Sum `values` (one per row) over the rows of `mask`, per session."""
        return sum_by(self.session[mask], self.n, values[mask])

    def distinct(self, values: Ints, mask: Bools) -> Floats:
        """Count the distinct values of the rows of `mask`, per session; NaN where there is no such row."""
        session, _, _ = runs(self.session[mask], values[mask])
        counts = sum_by(session, self.n)
        return np.where(counts > 0, counts, np.nan)

    def largest(self, values: Ints, mask: Bools) -> Ints:
        """Return the largest value of the rows of `mask`, per session; 0 where there is no such row."""
        out = np.zeros(self.n, dtype=np.int64)
        np.maximum.at(out, self.session[mask], values[mask])
        return out

    # ---- kinds of rows

    @cached_property
    def is_play(self) -> Bools:
        return (self.code & 0x1F) == 0

    @cached_property
    def action(self) -> Ints:
        """Index in ACTIONS; −1 for a play."""
        return (self.code & 0x1F) - 1

    @cached_property
    def network(self) -> Ints:
        """Index in NETWORKS; −1 where unknown."""
        return ((self.code >> layout.NETWORK_SHIFT) & 0x7) - 1

    @cached_property
    def country(self) -> Ints:
        """The two letters of the country as one integer, a byte per letter; 0 where unknown."""
        return (self.code >> layout.COUNTRY_SHIFT) & 0xFFFF

    @cached_property
    def device_type(self) -> Ints:
        """Index in DEVICES; −1 where unknown."""
        return ((self.code >> layout.DEVICE_TYPE_SHIFT) & 0x7) - 1

    @cached_property
    def drm(self) -> Ints:
        """Index in DRMS; −1 where unknown."""
        return ((self.code >> layout.DRM_SHIFT) & 0x7) - 1

    @cached_property
    def codec(self) -> Ints:
        """Index in CODECS; −1 where unknown."""
        return ((self.code >> layout.CODEC_SHIFT) & 0x7) - 1

    @cached_property
    def by_device_type(self) -> Floats:
        """Rows per session and device type: shape (n, 7)."""
        return self._count_by(self.device_type)

    @cached_property
    def by_drm(self) -> Floats:
        """Rows per session and DRM: shape (n, 7)."""
        return self._count_by(self.drm)

    @cached_property
    def by_codec(self) -> Floats:
        """Rows per session and codec: shape (n, 7)."""
        return self._count_by(self.codec)

    def _count_by(self, index: Ints) -> Floats:
        return sum_by(self.session * 8 + index + 1, self.n * 8).reshape(self.n, 8)[:, 1:]

    @cached_property
    def plays(self) -> Floats:
        return self.count(self.is_play)

    @cached_property
    def all_rows(self) -> Bools:
        return np.ones(len(self.session), dtype=bool)

    # ---- plays in order of their start

    @cached_property
    def by_start(self) -> Plays:
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
            is_repeat = (p.session[lag:] == p.session[:-lag]) & (p.track[lag:] == p.track[:-lag])
            repeats = sum_by(p.session[lag:][is_repeat], self.n)
            best_lag = np.where(repeats > best, lag, best_lag)
            best = np.maximum(best, repeats)
        return best_lag, best

    @cached_property
    def started_ms(self) -> Ints:
        """Earliest start of a play or activity row, per session."""
        first = np.full(self.n, np.iinfo(np.int64).max)
        np.minimum.at(first, self.session, self.event_ms - self.listen_ms)
        return first

    @cached_property
    def first_event_ms(self) -> Ints:
        """Earliest event_time per session; no two sessions of an account share it."""
        return self.event_ms[np.searchsorted(self.session, np.arange(self.n))]

    @cached_property
    def ended_ms(self) -> Ints:
        """Latest event_time per session."""
        return self.event_ms[np.searchsorted(self.session, np.arange(self.n), side="right") - 1]
