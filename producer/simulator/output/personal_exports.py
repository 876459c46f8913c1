"""Write simulated accounts' plays as people get their own: the inverse of `producer/importers`, to try the audit on.

An export says less than the simulator knows, so what the layout cannot hold is left out: times of a basic export are
cut to the minute, a scrobble has the start and no length.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import PLAYS
from producer.errors import ProducerError
from runtime.parquet import read_parquet
from runtime.units import SECOND_MS
from runtime.world import World

Record = dict[str, Any]
PLATFORM = {
    "mobile": "android", "desktop": "windows", "speaker": "sonos", "tv": "tizen", "car": "android_auto",
    "web": "web_player",
}  # fmt: skip
"""A platform by kind of device, as the extended export names one."""
_COLUMNS = (
    "user_id", "track_id", "event_time", "listen_ms", "reason_start", "reason_end", "shuffle", "device_type", "ip",
    "country",
)  # fmt: skip


class ExportError(ProducerError):
    """What was asked for cannot be exported."""


def _basic(row: Record) -> Record:
    return {
        "endTime": f"{row['event_time']:%Y-%m-%d %H:%M}", "artistName": row["artist"], "trackName": row["title"],
        "msPlayed": row["listen_ms"],
    }  # fmt: skip


def _extended(row: Record) -> Record:
    return {
        "ts": f"{row['event_time']:%Y-%m-%dT%H:%M:%SZ}", "platform": PLATFORM.get(row["device_type"]),
        "ms_played": row["listen_ms"], "conn_country": row["country"], "ip_addr": row["ip"],
        "master_metadata_track_name": row["title"], "master_metadata_album_artist_name": row["artist"],
        "spotify_track_uri": f"spotify:track:{row['track_id']}", "reason_start": row["reason_start"],
        "reason_end": row["reason_end"], "shuffle": row["shuffle"],
    }  # fmt: skip


def _scrobble(row: Record) -> Record:
    begun_ms = int(row["event_time"].timestamp() * 1000) - row["listen_ms"]
    return {"uts": begun_ms // SECOND_MS, "artist": row["artist"], "album": "", "track": row["title"]}


LAYOUTS: dict[str, tuple[str, Callable[[Record], Record]]] = {
    "spotify-basic": ("StreamingHistory_music_{}.json", _basic),
    "spotify-extended": ("Streaming_History_Audio_{}.json", _extended),
    "lastfm": ("scrobbles_{}.csv", _scrobble),
}
"""By the importers' name: the file's name, and a play as a record."""


def export_accounts(world: World, folder: Path, layout: str, cohort: str | None, accounts: int) -> list[Path]:
    """Write a file for each of the first honest accounts of a cohort, or of all; return the files.

    Raises ExportError for a layout or cohort that there is not, and where the world has no truth; WorldError where it
    has no rows.
    """
    if layout not in LAYOUTS:
        raise ExportError(f"no layout {layout} to export; there are {', '.join(LAYOUTS)}")
    if not world.truth("users.parquet").exists():
        raise ExportError(f"world {world.name} has no truth: only a simulated world can be exported")
    truth = read_parquet(world.truth("users.parquet"), ["user_id", "campaign_id", "cohort"]).to_pylist()
    honest = [user for user in truth if user["campaign_id"] is None]
    cohorts = {user["cohort"] for user in honest}
    if cohort is not None and cohort not in cohorts:
        raise ExportError(f"no honest account of cohort {cohort}; there are {', '.join(sorted(cohorts))}")
    chosen = [user for user in honest if cohort in (None, user["cohort"])][:accounts]
    plays = _plays_of(world, [user["user_id"] for user in chosen])
    name, record = LAYOUTS[layout]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for user in chosen:
        path = folder / name.format(f"{user['cohort']}_{user['user_id'][:8]}")
        _write(path, map(record, _rows_of(plays, user["user_id"])))
        paths.append(path)
    return paths


def _plays_of(world: World, users: list[str]) -> pa.Table:
    """Read the plays of accounts with the names of their tracks, in time order."""
    wanted = pa.array(users, pa.string())
    parts = []
    for file in world.raw_files(PLAYS):
        part = read_parquet(file, list(_COLUMNS))
        parts.append(part.filter(pc.is_in(part["user_id"].cast(pa.string()), value_set=wanted)))
    plays = pa.concat_tables(parts)
    tracks = pa.concat_tables([read_parquet(file, ["track_id", "title", "artist"])
                               for file in sorted(world.static("tracks").glob("*.parquet"))])  # fmt: skip
    position = pc.index_in(plays["track_id"].cast(pa.string()), value_set=tracks["track_id"].combine_chunks())
    return plays.append_column("title", tracks["title"].take(position)).append_column(
        "artist", tracks["artist"].take(position)
    )


def _rows_of(plays: pa.Table, user: str) -> Iterator[Record]:
    own = plays.filter(pc.equal(plays["user_id"].cast(pa.string()), user))
    yield from own.sort_by("event_time").to_pylist()


def _write(path: Path, records: Iterator[Record]) -> None:
    if path.suffix == ".json":
        path.write_bytes(orjson.dumps(list(records), option=orjson.OPT_INDENT_2))
        return
    rows = list(records)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)
