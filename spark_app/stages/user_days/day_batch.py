"""User-days as flat NumPy arrays: the input of every feature of a user-day.

A batch holds complete accounts. Its days are numbered 0 to n − 1 in order of (account, local day), so "the 28 days
before" is a range of day numbers, found by one search for all days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from runtime.arrays import Bools, Floats, Ints
from runtime.local_time import find_zone, to_local_ms
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS
from spark_app.stages.arrays.countries import COUNTRY_LETTERS
from spark_app.stages.arrays.segments import sum_by
from spark_app.stages.sessions import session_rows as layout
from spark_app.stages.sessions.session_batch import SessionBatch
from spark_app.stages.user_days import day_rows

DAY_STEP = 1 << 24
"""Space for day numbers next to an account in one sortable integer. The row rules refuse days before 1970."""
SESSION_GAP_MS = 30 * MINUTE_MS


def first_of_each(*keys: Ints) -> Bools:
    """Return which rows begin a group of equal keys, in sorted arrays.

    >>> first_of_each(np.array([1, 1, 2])).tolist()
    [True, False, True]
    """
    first = np.ones(len(keys[0]), dtype=bool)
    first[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return first


@dataclass(frozen=True)
class DayBatch:
    """`n` user-days. Row arrays are sorted by (account, local day, event time, id); `day` is each row's user-day."""

    users: pa.Array
    """user_id of each account."""
    n: int
    day_user: Ints
    """Account of each user-day."""
    day_number: Ints
    """Its local date, as days since 1970."""
    has_zone: Bools
    """Whether the account's time zone is known."""

    user: Ints
    day: Ints
    event_ms: Ints
    local_ms: Ints
    """The listener's local clock and calendar at `event_ms`, as ms since 1970."""
    id_hash: Ints
    listen_ms: Ints
    duration_ms: Ints
    code: Ints
    track: Ints
    artist: Ints
    label: Ints
    label_size: Ints
    context: Ints
    device: Ints
    ip: Ints
    cdm: Ints
    popularity: Floats

    @classmethod
    def from_arrow(cls, table: pa.Table, zones: Sequence[str]) -> "DayBatch":
        """Read day rows (see `day_rows`), grouped by user_id; of a row that came twice, one counts.

        `zones`: the names that column `zone` is an index in.
        """
        columns = {name: table[name].to_numpy() for name in day_rows.LONGS}
        coded = table["user_id"].combine_chunks().dictionary_encode()
        coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
        user = coded.indices.to_numpy().astype(np.int64)
        zone = table["zone"].to_numpy().astype(np.int64)
        is_zone = np.array([*(find_zone(name) is not None for name in zones), False])  # −1, unknown, is the last
        local_ms = to_local_ms(columns["event_ms"], zone, zones)
        number = local_ms // DAY_MS
        order = np.lexsort((columns["id_hash"], columns["event_ms"], user * DAY_STEP + number))
        is_play = (columns["code"] & 0x1F) == 0
        key = user * DAY_STEP + number
        same = (key, columns["event_ms"], columns["id_hash"], is_play)
        unique = order[first_of_each(*(values[order] for values in same))]
        key = key[unique]
        begins = first_of_each(key)
        rows = {name: values[unique] for name, values in columns.items()}
        lengths = rows.pop("lengths")
        day_user = key[begins] // DAY_STEP
        return cls(
            users=coded.dictionary,
            n=int(begins.sum()),
            day_user=day_user,
            day_number=key[begins] % DAY_STEP,
            has_zone=is_zone[zone[unique][begins]],
            user=user[unique],
            day=np.cumsum(begins) - 1,
            local_ms=local_ms[unique],
            listen_ms=lengths >> 32,
            duration_ms=lengths & 0xFFFFFFFF,
            popularity=table["popularity"].to_numpy()[unique],
            **rows,
        )

    # ---- parts of `code`: indices in the vocabularies, −1 where unknown

    def part(self, name: str) -> Ints:
        return ((self.code >> day_rows.SHIFT[name]) & ((1 << day_rows.WIDTH[name]) - 1)) - 1

    @cached_property
    def action(self) -> Ints:
        """Index in ACTIONS; −1 for a play."""
        return self.part("action")

    @cached_property
    def is_play(self) -> Bools:
        return self.action < 0

    @cached_property
    def country(self) -> Ints:
        return self.part("country")

    @cached_property
    def where(self) -> Ints:
        """Country and kind of network as one number; −1 where either is unknown."""
        network = self.part("network")
        return np.where((network >= 0) & (self.country >= 0), self.country * 16 + network, -1)

    # ---- per user-day

    def count(self, mask: Bools) -> Floats:
        """Count the rows of `mask`, per user-day."""
        return sum_by(self.day[mask], self.n)

    def distinct(self, values: Ints, mask: Bools) -> Floats:
        """Count the distinct values of the rows of `mask`, per user-day; NaN where there is no such row."""
        return self.as_sessions.distinct(values, mask)

    @cached_property
    def plays(self) -> Floats:
        return self.count(self.is_play)

    @cached_property
    def hour(self) -> Ints:
        """Local hour of each row."""
        return (self.local_ms // HOUR_MS) % 24

    # ---- trailing windows: [first, this day] and [first, the day before]

    @cached_property
    def _key(self) -> Ints:
        return self.day_user * DAY_STEP + self.day_number

    def first_within(self, days: int) -> Ints:
        """Return for each user-day the earliest one of its account that is at most `days` local days before it."""
        return np.searchsorted(self._key, np.maximum(self._key - days, self.day_user * DAY_STEP))

    def trailing(self, values: Any, days: int) -> Any:
        """Sum values per day, shape (n, …), over the `days` local days that end with each one."""
        running = _running(values)
        return running[1:] - running[self.first_within(days - 1)]

    def before(self, values: Any, days: int) -> Any:
        """Sum values per day, shape (n, …), over the `days` local days before each one, without itself."""
        running = _running(values)
        return running[:-1] - running[self.first_within(days)]

    # ---- the same rows as sessions of a day each: the input of the features of a session

    @cached_property
    def as_sessions(self) -> SessionBatch:
        flags = self.part("flags") + 1
        code = (self.action + 1) + np.where(flags & day_rows.IS_AUTOADVANCE, layout.IS_AUTOADVANCE, 0)
        code += np.where(flags & day_rows.IS_SKIP, layout.IS_SKIP, 0)
        missing = self.part("missing") + 1
        code += np.where(missing & day_rows.NO_START_REASON, layout.NO_START_REASON, 0)
        code += np.where(missing & day_rows.NO_END_REASON, layout.NO_END_REASON, 0)
        code += (self.part("network") + 1) << layout.NETWORK_SHIFT
        code += (self.part("device_type") + 1) << layout.DEVICE_TYPE_SHIFT
        code += np.where(self.country >= 0, COUNTRY_LETTERS[self.country], 0) << layout.COUNTRY_SHIFT
        code += ((self.part("drm") + 1) << layout.DRM_SHIFT) + ((self.part("codec") + 1) << layout.CODEC_SHIFT)
        empty = pa.array([], pa.string())
        return SessionBatch(
            n=self.n,
            session=self.day,
            event_ms=self.event_ms,
            id_hash=self.id_hash,
            ts=np.zeros(len(self.day), dtype=np.int64),
            code=code,
            listen_ms=self.listen_ms,
            duration_ms=self.duration_ms,
            track=np.where(self.track != 0, self.track, -1),
            track_names=empty,
            artist=self.artist,
            has_artist=self.artist != 0,
            popularity=self.popularity,
            device=self.device,
            has_device=self.device != 0,
            ip=self.ip,
            has_ip=self.ip != 0,
            client_session=empty,
            lacks_listen_ms=(missing & day_rows.NO_LISTEN) > 0,
        )

    # ---- listening that goes on over midnight

    @cached_property
    def starts_a_session(self) -> Bools:
        """Rows more than 30 minutes after the account's row before."""
        is_start = np.ones(len(self.user), dtype=bool)
        is_start[1:] = (np.diff(self.event_ms) > SESSION_GAP_MS) | (self.user[1:] != self.user[:-1])
        return is_start


def _running(values: Any) -> Any:
    """Cumulative sums with a leading zero."""
    return np.concatenate([np.zeros((1, *values.shape[1:]), dtype=values.dtype), np.cumsum(values, axis=0)])
