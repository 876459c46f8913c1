"""Read a world's plays for the batch detectors: ids as integers, local days, streams marked.

From the lake (what the job archived, de-duplicated here by play_id) or, where no job ran, from raw.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.events import PLAYS, STREAM_MS
from models.errors import ModelError
from runtime.lake import committed_files
from runtime.units import DAY_MS
from runtime.world import World, WorldError

Source = Literal["auto", "lake", "raw"]
SOURCES: tuple[Source, ...] = ("auto", "lake", "raw")
_COLUMNS = ["play_id", "user_id", "track_id", "event_time", "listen_ms", "device_id"]


@dataclass(frozen=True, slots=True)
class Listening:
    """Plays as columns of one length, in order of event_time; codes point into `users`, `tracks`, `devices`."""

    user: NDArray[np.int32]
    track: NDArray[np.int32]
    device: NDArray[np.int32]
    """-1 where the row names none."""
    event_ms: NDArray[np.int64]
    is_stream: NDArray[np.bool_]
    local_day: NDArray[np.int32]
    """The listener's own day, as days since 1970."""
    users: pd.Index
    tracks: pd.Index
    devices: pd.Index


def source_named(name: str) -> Source:
    """Return where plays come from by its name. Raises ModelError where there is no such place."""
    for known in SOURCES:
        if name == known:
            return known
    raise ModelError(f"--source {name}: expected one of {', '.join(SOURCES)}")


def source_of(world: World, source: Source) -> Literal["lake", "raw"]:
    """Choose where plays come from: the lake where the job archived any, unless said otherwise."""
    if source != "auto":
        return source
    return "lake" if committed_files(world.unit.table(PLAYS)) else "raw"


def read_listening(world: World, source: Source = "auto") -> Listening:
    """Read all plays of a world. Raises WorldError where there are none."""
    if source_of(world, source) == "lake":
        files = committed_files(world.unit.table(PLAYS))
        if not files:
            raise WorldError(
                f"world {world.name} has no plays in its lake: run  playproof up  and  playproof replay, or "
                "take  --source raw"
            )
    else:
        files = world.raw_files(PLAYS)
    return listening_of(pa.concat_tables([_read(file) for file in files]), _timezones(world))


def _read(file: Path) -> pa.Table:
    # one file at a time: the day stands in the path, and read together it would become a column of its own
    table = pq.ParquetFile(file).read(columns=_COLUMNS)
    text = {name: pa.string() for name in _COLUMNS if name not in ("event_time", "listen_ms")}
    schema = pa.schema(
        [pa.field(n, text.get(n, pa.timestamp("ms", "UTC") if n == "event_time" else pa.int64())) for n in _COLUMNS]
    )
    return table.cast(schema, safe=False)  # Spark writes times in µs, the simulator in ms: below a ms there is nothing


def _timezones(world: World) -> pd.Series:
    return read_static(world, "users", ["user_id", "timezone"]).set_index("user_id")["timezone"]


def read_static(world: World, table: str, columns: list[str]) -> pd.DataFrame:
    """Read columns of a static table. Raises WorldError where it is missing."""
    folder = world.static(table)
    parts = [pq.ParquetFile(file).read(columns=columns).to_pandas() for file in sorted(folder.glob("*.parquet"))]
    parts += [pd.read_csv(file, usecols=columns) for file in sorted(folder.glob("*.csv"))]
    return pd.concat(parts, ignore_index=True)


def listening_of(plays: pa.Table, timezones: pd.Series) -> Listening:
    """Code plays (columns play_id, user_id, track_id, event_time, listen_ms, device_id), each play_id once.

    `timezones` by user_id; an account that is not in it keeps UTC days.
    """
    ids, codes = np.unique(plays["play_id"].to_numpy(zero_copy_only=False).astype(str), return_index=True)
    del ids
    event = plays["event_time"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
    rows = codes[np.argsort(event[codes], kind="stable")]

    def coded(name: str) -> tuple[NDArray[np.int32], pd.Index]:
        code, values = pd.factorize(plays[name].to_pandas())
        return code[rows].astype(np.int32), pd.Index(values)

    (user, users), (track, tracks), (device, devices) = coded("user_id"), coded("track_id"), coded("device_id")
    event_ms = event[rows]
    return Listening(
        user=user,
        track=track,
        device=device,
        event_ms=event_ms,
        is_stream=plays["listen_ms"].to_numpy()[rows] >= STREAM_MS,
        local_day=_local_days(user, event_ms, timezones.reindex(users)),
        users=users,
        tracks=tracks,
        devices=devices,
    )


def _local_days(user: NDArray[np.int32], event_ms: NDArray[np.int64], zones: pd.Series) -> NDArray[np.int32]:
    day = event_ms // DAY_MS
    zone_code, names = pd.factorize(zones)  # -1: unknown, so its days stay UTC
    for code, name in enumerate(names):
        rows = np.flatnonzero(zone_code[user] == code)
        here = pd.to_datetime(event_ms[rows], unit="ms", utc=True).tz_convert(name).tz_localize(None)
        day[rows] = here.to_numpy("datetime64[D]").astype(np.int64)
    return day.astype(np.int32)
