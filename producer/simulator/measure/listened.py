"""A world's plays as arrays, with what the static tables and truth know of each: what the measures work on."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.events import CONTEXTS, PLAYS, REASONS_END, REASONS_START
from contracts.labels import HONEST
from runtime.parquet import read_parquet
from runtime.units import DAY_MS
from runtime.world import World

_COLUMNS = ("user_id", "session_id", "track_id", "event_time", "listen_ms", "reason_start", "reason_end",
            "context_type")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listened:
    """Plays sorted by account and time; one element per play. Times in ms since the epoch."""

    user: NDArray[np.int32]
    session: NDArray[np.int64]
    position: NDArray[np.int64]
    """Place in the client's session, from 1."""
    track: NDArray[np.int32]
    artist: NDArray[np.int32]
    duration_ms: NDArray[np.int64]
    listen_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    local_ms: NDArray[np.int64]
    """`end_ms` shifted to the listener's zone."""
    reason_start: NDArray[np.int32]
    reason_end: NDArray[np.int32]
    context: NDArray[np.int32]
    weekday_of_day: NDArray[np.int64]
    """Weekday of the day of `local_ms`, Monday is 0."""

    @property
    def local_day(self) -> NDArray[np.int64]:
        return self.local_ms // DAY_MS


def _codes(column: pa.ChunkedArray, words: tuple[str, ...] | None = None) -> NDArray[np.int32]:
    if words is not None:
        return pc.index_in(column, pa.array(words)).fill_null(-1).to_numpy().astype(np.int32)
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)


def read_plays(world: World) -> tuple[pa.Table, pa.Table]:
    """Read raw plays (the columns measured) and their truth, in one order."""
    files = world.raw_files(PLAYS)
    raw = pa.concat_tables([read_parquet(path, list(_COLUMNS)) for path in files])
    truth_files = [world.truth(PLAYS) / path.parent.name / path.name for path in files]
    truth = pa.concat_tables([read_parquet(path, ["family"]) for path in truth_files])
    return raw, truth


def honest_plays(world: World) -> Listened:
    """Return the plays that no bot made."""
    raw, truth = read_plays(world)
    return listened(world, raw.filter(pc.equal(truth["family"], HONEST)))


def listened(world: World, raw: pa.Table) -> Listened:
    """Join raw plays with tracks and users."""
    tracks = read_parquet(world.static("tracks") / "part.parquet", ["track_id", "artist_id", "duration_ms"])
    users = read_parquet(world.static("users") / "part.parquet", ["user_id", "timezone"])
    at_track = pc.index_in(raw["track_id"], tracks["track_id"]).to_numpy()
    at_user = pc.index_in(raw["user_id"], users["user_id"]).to_numpy()
    end = raw["event_time"].cast(pa.int64()).to_numpy()
    order = np.lexsort((end, at_user))
    end, at_user, at_track = end[order], at_user[order], at_track[order]
    session = _codes(raw["session_id"])[order].astype(np.int64)
    local = end + offsets_by_day(users["timezone"].to_pylist(), at_user, end)
    return Listened(
        user=at_user.astype(np.int32),
        session=session,
        position=_positions(session),
        track=at_track.astype(np.int32),
        artist=_codes(tracks["artist_id"])[at_track],
        duration_ms=tracks["duration_ms"].to_numpy()[at_track].astype(np.int64),
        listen_ms=raw["listen_ms"].to_numpy()[order].astype(np.int64),
        end_ms=end,
        local_ms=local,
        reason_start=_codes(raw["reason_start"], REASONS_START)[order],
        reason_end=_codes(raw["reason_end"], REASONS_END)[order],
        context=_codes(raw["context_type"], CONTEXTS)[order],
        weekday_of_day=(local // DAY_MS + 3) % 7,  # the epoch began on a Thursday
    )


def offsets_by_day(zones: list[str], user: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the offset of local time from UTC in ms, by the UTC day of each play."""
    names = sorted(set(zones))
    of_user = np.array([names.index(zone) for zone in zones])
    first = int(end.min()) // DAY_MS
    days = range(first, int(end.max()) // DAY_MS + 1)
    table = np.zeros((len(names), len(days)), dtype=np.int64)
    for i, name in enumerate(names):
        for j, day in enumerate(days):
            moment = datetime.fromtimestamp(day * 86_400 + 43_200, UTC)
            offset = moment.astimezone(ZoneInfo(name)).utcoffset()
            table[i, j] = int(offset.total_seconds()) * 1000 if offset else 0
    return table[of_user[user], end // DAY_MS - first]


def _positions(session: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the plays of each session from 1, in the order they come."""
    order = np.argsort(session, kind="stable")
    grouped = session[order]
    is_first = np.diff(grouped, prepend=-1) != 0
    starts = np.flatnonzero(is_first)
    place = np.arange(len(grouped)) - np.repeat(starts, np.diff(starts, append=len(grouped)))
    out = np.empty_like(place)
    out[order] = place
    return out + 1
