"""What an account's days come to, one row per local day: sums, counts and short lists that windows are added up from.

A window of 28 days needs no row of its days again. Everything here is of one local day alone, so a day is summarized
once, when it is over; what happens between two days (the gap over night) follows from the ends of both.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.events import ACTIONS, INTERACTIONS, NETWORKS, STREAM_MS
from runtime.arrays import Bools, Floats, Ints
from runtime.units import HOUR_MS
from spark_app.stages.arrays.segments import runs, sum_by
from spark_app.stages.sessions.features.listening import SKIP_BEFORE
from spark_app.stages.sessions.session_batch import MAX_LOOP_LAG, SessionBatch
from spark_app.stages.sessions.session_rows import IS_AUTOADVANCE, IS_SKIP, NO_END_REASON, NO_START_REASON
from spark_app.stages.user_days.day_batch import DAY_STEP, SESSION_GAP_MS, DayBatch

SUMS = (
    "plays", "touched", "nights", "listen_ms", "listen_square", "under_35", "from_30_to_35", "skipped", "heard",
    "heard_known", "autoadvanced", "popularity_log", "popularity_known", "hosting", "network_known", "lacks_listen_ms",
    "lacks_reason_start", "lacks_reason_end",
)  # fmt: skip
"""Columns that add up. `listen_square` is of hours; `heard` is the share of each track that was heard; `…_known` is the
number of plays that know it."""
LISTS = {
    "hours": pa.int32(), "loops": pa.int32(), "gaps_ms": pa.int64(), "run_begins_ms": pa.int64(),
    "run_ends_ms": pa.int64(), "run_plays": pa.int32(), "tracks": pa.int64(), "track_plays": pa.int32(),
    "track_artists": pa.int64(), "track_popularity": pa.float64(), "artists": pa.int64(), "artist_plays": pa.int32(),
    "devices": pa.int64(), "ips": pa.int64(), "countries": pa.int64(),
}  # fmt: skip
"""Columns of lists. `hours`: starts by local hour. `loops`: plays that equal the one so many back, by lag. `gaps_ms`:
between starts, in order. `run_…`: plays without a pause of 30 minutes. The others: distinct ids, with their plays."""
SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("local_day", pa.int64()),
        ("has_zone", pa.bool_()),
        ("first_start_ms", pa.int64()),
        ("last_start_ms", pa.int64()),
        *((name, pa.float64()) for name in SUMS),
        *((name, pa.list_(kind)) for name, kind in LISTS.items()),
    ]
)
"""One row per account and local day with a row. `local_day`: days since 1970. Without a play both starts are 0."""


def summarize_days(b: DayBatch) -> pa.Table:
    """Summarize each user-day: SCHEMA, sorted by account and day."""
    s = b.as_sessions
    order = _by_account(b)
    sums, lists = _sums(b, s), _lists(b, s)
    first, last = _first_and_last_start(b, s)
    columns = {
        "user_id": b.users.take(pa.array(b.day_user[order])),
        "local_day": pa.array(b.day_number[order]),
        "has_zone": pa.array(b.has_zone[order]),
        "first_start_ms": pa.array(first[order]),
        "last_start_ms": pa.array(last[order]),
        **{name: pa.array(sums[name][order]) for name in SUMS},
        **{name: _as_lists(*lists[name], b.n, kind).take(pa.array(order)) for name, kind in LISTS.items()},
    }
    return pa.table(columns, schema=SCHEMA)


def _by_account(b: DayBatch) -> Ints:
    """Return the order of the user-days by user_id: accounts of a batch are in the order in which they came."""
    rank = np.argsort(np.argsort(np.array(b.users.to_pylist(), dtype=object)))
    return np.argsort(rank[b.day_user] * DAY_STEP + b.day_number)


def _sums(b: DayBatch, s: SessionBatch) -> dict[str, Floats]:
    touched = np.isin(s.action, [ACTIONS.index(name) for name in INTERACTIONS])
    known = s.is_play & (s.duration_ms > 0)
    heard = np.minimum(s.listen_ms / np.maximum(s.duration_ms, 1), 1.0)
    listed = s.is_play & (s.popularity > 0)
    is_hosting = np.isin(s.network, [NETWORKS.index("hosting"), NETWORKS.index("vpn")])
    hours = s.listen_ms / HOUR_MS

    def count(mask: Bools) -> Floats:
        return s.count(mask & s.is_play)

    return {
        "plays": s.plays,
        "touched": s.count(touched),
        "nights": count(b.hour < 5),
        "listen_ms": s.total(s.listen_ms, s.is_play),
        "listen_square": s.total(hours**2, s.is_play),
        "under_35": count(s.listen_ms < 35_000),
        "from_30_to_35": count((s.listen_ms >= STREAM_MS) & (s.listen_ms < 35_000)),
        "skipped": count(((s.code & IS_SKIP) > 0) & ~(known & (heard >= SKIP_BEFORE))),
        "heard": s.total(heard, known),
        "heard_known": s.count(known),
        "autoadvanced": count((s.code & IS_AUTOADVANCE) > 0),
        "popularity_log": s.total(np.log10(np.where(listed, s.popularity, 1.0)), listed),
        "popularity_known": s.count(listed),
        "hosting": count(is_hosting),
        "network_known": count(s.network >= 0),
        "lacks_listen_ms": count(np.zeros(len(s.code), bool) if s.lacks_listen_ms is None else s.lacks_listen_ms),
        "lacks_reason_start": count((s.code & NO_START_REASON) > 0),
        "lacks_reason_end": count((s.code & NO_END_REASON) > 0),
    }


def _first_and_last_start(b: DayBatch, s: SessionBatch) -> tuple[Ints, Ints]:
    p = s.by_start
    day, first = np.unique(p.session, return_index=True)
    last = np.append(first[1:], len(p.session))[: len(first)] - 1
    starts, ends = np.zeros(b.n, dtype=np.int64), np.zeros(b.n, dtype=np.int64)
    starts[day], ends[day] = p.start_ms[first], p.start_ms[last]
    return starts, ends


def _lists(b: DayBatch, s: SessionBatch) -> dict[str, tuple[Ints, Any]]:
    """Return day and value of each element of the columns of lists, sorted by day."""
    p, play = s.by_start, np.flatnonzero(s.is_play)
    every = np.repeat(np.arange(b.n), 24)
    hour = (b.local_ms[play] - b.listen_ms[play]) // HOUR_MS % 24
    of_run, begins, ends, length = _runs(b, play)
    tracked = play[b.track[play] != 0]
    track_day, track, track_plays = runs(b.day[tracked], s.track[tracked])
    _, first = np.unique(s.track[tracked], return_index=True)
    of_track = tracked[first][np.searchsorted(s.track[tracked][first], track)]
    by_artist = play[s.has_artist[play]]
    artist_day, artist, artist_plays = runs(b.day[by_artist], s.artist[by_artist])
    seen = {
        name: runs(b.day[rows], values[rows])[:2]
        for name, values, rows in (
            ("devices", s.device, play[s.has_device[play]]),
            ("ips", s.ip, play[s.has_ip[play]]),
            ("countries", s.country, play[s.country[play] != 0]),
        )
    }
    return {
        "hours": (every, sum_by(b.day[play] * 24 + hour, b.n * 24)),
        "loops": (np.repeat(np.arange(b.n), MAX_LOOP_LAG), _loops(s, b.n).ravel()),
        "gaps_ms": (p.gap_session, np.rint(p.gap_s * 1000).astype(np.int64)),
        "run_begins_ms": (of_run, begins),
        "run_ends_ms": (of_run, ends),
        "run_plays": (of_run, length),
        "tracks": (track_day, track),
        "track_plays": (track_day, track_plays),
        "track_artists": (track_day, s.artist[of_track]),
        "track_popularity": (track_day, s.popularity[of_track]),
        "artists": (artist_day, artist),
        "artist_plays": (artist_day, artist_plays),
        **seen,
    }


def _runs(b: DayBatch, play: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return day, first and last event_time and plays of each run of plays of a day."""
    begins = np.ones(len(play), dtype=bool)
    begins[1:] = (np.diff(b.day[play]) != 0) | (np.diff(b.event_ms[play]) > SESSION_GAP_MS)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(play))[: len(first)] - 1
    return b.day[play][first], b.event_ms[play][first], b.event_ms[play][last], np.diff(first, append=len(play))


def _loops(s: SessionBatch, n: int) -> Floats:
    """Count the plays that equal the one `lag` back on the same day: shape (n, MAX_LOOP_LAG)."""
    p = s.by_start
    counts = np.zeros((n, MAX_LOOP_LAG))
    for lag in range(1, MAX_LOOP_LAG + 1):
        same = (p.session[lag:] == p.session[:-lag]) & (p.track[lag:] == p.track[:-lag])
        counts[:, lag - 1] = sum_by(p.session[lag:][same], n)
    return counts


def _as_lists(day: Ints, values: Any, n: int, kind: pa.DataType) -> pa.ListArray:
    offsets = np.searchsorted(day, np.arange(n + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.astype(kind.to_pandas_dtype()), kind))


@dataclass(frozen=True)
class Flat:
    """A column of lists as flat values; those of day i are at offsets[i] to offsets[i + 1]."""

    values: Any
    offsets: Ints


@dataclass(frozen=True)
class AccountDays:
    """Summaries as arrays, `n` user-days sorted by account and day; accounts are positions in `users`."""

    users: pa.Array
    user: Ints
    day: Ints
    """Local day, as days since 1970."""
    has_zone: Bools
    first_start_ms: Ints
    last_start_ms: Ints
    sums: dict[str, Floats]
    lists: dict[str, Flat]

    @classmethod
    def from_table(cls, table: pa.Table) -> "AccountDays":
        """Read summaries (SCHEMA), sorted by account and day, each user-day once."""
        table = table.combine_chunks()
        coded = table["user_id"].combine_chunks().dictionary_encode()
        coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
        lists = {}
        for name in LISTS:
            column = table[name].combine_chunks()
            column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
            sizes = column.value_lengths().to_numpy().astype(np.int64)
            lists[name] = Flat(column.flatten().to_numpy(zero_copy_only=False), np.append(0, np.cumsum(sizes)))
        return cls(
            users=coded.dictionary,
            user=coded.indices.to_numpy().astype(np.int64),
            day=table["local_day"].to_numpy(),
            has_zone=table["has_zone"].to_numpy(zero_copy_only=False),
            first_start_ms=table["first_start_ms"].to_numpy(),
            last_start_ms=table["last_start_ms"].to_numpy(),
            sums={name: table[name].to_numpy() for name in SUMS},
            lists=lists,
        )

    @property
    def n(self) -> int:
        return len(self.user)

    @cached_property
    def key(self) -> Ints:
        """Account and day in one sorted integer."""
        return self.user * DAY_STEP + self.day

    @cached_property
    def plays(self) -> Floats:
        return self.sums["plays"]
