"""Read a world's plays for the batch detectors: ids as integer codes, local days, and which plays are streams.

They come from the lake (what the job archived, each play_id once) or, where no job has run, from the raw files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from contracts.events import PLAYS, STREAM_MS
from models.errors import ModelError
from models.tables.static_tables import read_timezones
from runtime.lake import committed_files, listed_files
from runtime.local_time import to_local_ms
from runtime.parquet import read_parquet
from runtime.units import DAY_MS
from runtime.world import World, WorldError

Source = Literal["auto", "lake", "raw"]
SOURCES: tuple[Source, ...] = ("auto", "lake", "raw")
_COLUMNS = ["play_id", "user_id", "track_id", "event_time", "listen_ms", "device_id"]


@dataclass(frozen=True, slots=True)
class Plays:
    """Plays as columns of one length, by event_time. The codes are positions in `users`, `tracks`, `devices`."""

    user: NDArray[np.int32]
    track: NDArray[np.int32]
    device: NDArray[np.int32]
    """-1 where the row has no device."""
    event_ms: NDArray[np.int64]
    is_stream: NDArray[np.bool_]
    local_day: NDArray[np.int32]
    """The listener's local day, as days since 1970."""
    users: pd.Index
    tracks: pd.Index
    devices: pd.Index


def parse_source(name: str) -> Source:
    """Return the source of plays with this name. Raises ModelError where there is none."""
    for source in SOURCES:
        if name == source:
            return source
    raise ModelError(f"--source {name}: expected one of {', '.join(SOURCES)}")


def choose_source(world: World, source: Source) -> Literal["lake", "raw"]:
    """Return the source of a world's plays; `auto` is the lake where the job has archived any, else raw."""
    if source != "auto":
        return source
    return "lake" if listed_files(world.unit.table(PLAYS)) else "raw"


def read_plays(world: World, source: Source = "auto") -> Plays:
    """Read all plays of a world. Raises WorldError where there are none."""
    if choose_source(world, source) == "lake":
        files = committed_files(world.unit.table(PLAYS))
        if not files:
            raise WorldError(
                f"world {world.name} has no plays in its lake: run  playproof up  and  playproof replay, or "
                "take  --source raw"
            )
    else:
        files = world.raw_files(PLAYS)
    return encode_plays(pa.concat_tables([_read_file(file) for file in files]), read_timezones(world))


def _read_file(file: Path) -> pa.Table:
    # one file at a time: read together, the `date=…` in the path would become a column
    table = read_parquet(file, _COLUMNS)
    types = {"event_time": pa.timestamp("ms", "UTC"), "listen_ms": pa.int64()}
    schema = pa.schema([pa.field(name, types.get(name, pa.string())) for name in _COLUMNS])
    return table.cast(schema, safe=False)  # Spark writes times in µs, the simulator in ms; no time is finer than 1 ms


def encode_plays(plays: pa.Table, timezones: pd.Series) -> Plays:
    """Encode plays (columns play_id, user_id, track_id, event_time, listen_ms, device_id), each play_id once.

    `timezones`: IANA name by user_id; an account without one has UTC days.
    """
    _, first = np.unique(plays["play_id"].to_numpy(zero_copy_only=False).astype(str), return_index=True)
    event = plays["event_time"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
    rows = first[np.argsort(event[first], kind="stable")]

    def encode(name: str) -> tuple[NDArray[np.int32], pd.Index]:
        code, values = pd.factorize(plays[name].to_pandas())
        return code[rows].astype(np.int32), pd.Index(values)

    (user, users), (track, tracks), (device, devices) = encode("user_id"), encode("track_id"), encode("device_id")
    event_ms = event[rows]
    zone_of, zones = pd.factorize(timezones.reindex(users))  # -1: unknown
    return Plays(
        user=user,
        track=track,
        device=device,
        event_ms=event_ms,
        is_stream=plays["listen_ms"].to_numpy()[rows] >= STREAM_MS,
        local_day=(to_local_ms(event_ms, zone_of[user], list(zones)) // DAY_MS).astype(np.int32),
        users=users,
        tracks=tracks,
        devices=devices,
    )
