"""Spotify, extended streaming history: `Streaming_History_Audio_*.json`, formerly `endsong_*.json`.

Fields by the PDF that comes with the export (ReadMeFirst_ExtendedStreamingHistory): `ts` is when the track stopped,
UTC, to the second. What the PDF does not say is from Ortham, "My Spotify extended streaming history data" (2024):
words beyond the documented reasons, `skipped` false for whole years, and an `offline_timestamp` that changes from
seconds to milliseconds and fits neither start nor end, so that it is not used.
"""

from collections.abc import Iterator
from typing import Any

from contracts.events import PLAYS, REASONS_END, REASONS_START
from producer.importers import csv_files
from producer.importers.files import SourceFile
from producer.importers.layout import (
    DEFAULT_USER,
    NO_TRACK,
    PODCAST,
    BadRow,
    Layout,
    Options,
    Row,
    Track,
    each,
    text_of,
)
from producer.importers.times import parse_moment

_OTHER_MEDIA = ("episode_name", "spotify_episode_uri", "audiobook_title", "audiobook_uri", "audiobook_chapter_uri")
_TRACK_URI = "spotify:track:"
_RENAMED = {"unexpected-exit-while-paused": "unexpected-exit"}
NO_COUNTRY = "ZZ"
"""Country code of an address that could not be placed."""
PLATFORMS = (
    ("web", ("web_player", "webplayer")),
    ("car", ("android_auto", "android auto", "carplay", "car_thing", "carthing")),
    ("tv", ("cast_tv", "android_tv", "android tv", "tvos", "tizen", "webos", "roku", "ps4", "ps5", "xbox")),
    ("speaker", ("sonos", "amazon_", "echo", "google_home", "google cast", "cast", "speaker")),
    ("mobile", ("android", "ios", "iphone", "ipad", "windows phone")),
    ("desktop", ("windows", "os x", "osx", "macos", "linux")),
)
"""Device type by what `platform` contains, the first that fits: `android`, `OS X 10.13.3 [x86 8]`, `web_player …`."""


_COLUMNS = ("ts", "ms_played", "master_metadata_track_name")
"""Of a copy that somebody saved as a CSV."""


def recognises(file: SourceFile) -> bool:
    if csv_files.has_columns(file, _COLUMNS):
        return True
    named = file.name.lower().startswith(("streaming_history", "endsong")) and file.name.lower().endswith(".json")
    return ('"ms_played"' in file.head and '"ts"' in file.head) or (named and file.head.strip() == "[]")


def rows(file: SourceFile, options: Options) -> Iterator[Row | BadRow]:
    is_table = csv_files.has_columns(file, _COLUMNS)
    numbers, booleans = ("ms_played",), ("shuffle",)
    records = csv_files.records(file, numbers, booleans) if is_table else file.json_list()
    return each(records, lambda record: read(record, options))


def read(record: Any, options: Options) -> Row:
    """Read one record."""
    if not isinstance(record, dict):
        raise BadRow("not an object")
    track = _track(record)
    moment = parse_moment(str(record.get("ts")))
    if moment is None:
        raise BadRow("ts: not a time like 2023-01-02T13:45:10Z")
    fixes: list[str] = []
    country = text_of(record.get("conn_country"))
    if country == NO_COUNTRY:
        fixes.append("conn_country ZZ to null")
        country = None
    shuffle = record.get("shuffle")
    values = {
        "listen_ms": record.get("ms_played"),
        "reason_start": _reason(record, "reason_start", REASONS_START, fixes),
        "reason_end": _reason(record, "reason_end", REASONS_END, fixes),
        "shuffle": shuffle if isinstance(shuffle, bool) else None,
        "device_type": device_type(text_of(record.get("platform"))),
        "ip": text_of(record.get("ip_addr")) or text_of(record.get("ip_addr_decrypted")),
        "country": country,
    }
    # not `username`: only old exports have it, and the same play in a new one must be the same account's
    return Row(
        PLAYS, options.user or DEFAULT_USER, moment.ms, moment.precision_ms, values, track, fixes=tuple(fixes),
        login=None if options.user else text_of(record.get("username")),
    )  # fmt: skip


def _track(record: dict[str, Any]) -> Track:
    title = text_of(record.get("master_metadata_track_name"))
    uri = text_of(record.get("spotify_track_uri"))
    if title is None and any(text_of(record.get(name)) for name in _OTHER_MEDIA):
        raise BadRow(PODCAST)
    own_id = uri.removeprefix(_TRACK_URI) if uri and uri.startswith(_TRACK_URI) else None
    if title is None and own_id is None:
        raise BadRow(NO_TRACK)
    return Track(title, text_of(record.get("master_metadata_album_artist_name")), own_id=own_id)


def _reason(record: dict[str, Any], name: str, known: tuple[str, ...], fixes: list[str]) -> str | None:
    """Read a reason; one that the contract has no word for is `unknown`, an empty one null."""
    word = text_of(record.get(name))
    if word is None or word in known:
        return word
    meant = _RENAMED.get(word, "unknown")
    meant = meant if meant in known else "unknown"
    fixes.append(f"{name} {word[:30]} to {meant}")
    return meant


def device_type(platform: str | None) -> str | None:
    """Return the kind of device that a platform is; None where it does not say.

    >>> device_type("OS X 10.13.3 [x86 8]"), device_type("ios"), device_type("not_applicable")
    ('desktop', 'mobile', None)
    """
    platform_text = (platform or "").lower()
    return next((kind for kind, parts in PLATFORMS if any(part in platform_text for part in parts)), None)


LAYOUT = Layout(
    "spotify-extended",
    "Spotify extended streaming history, Streaming_History_Audio_*.json or endsong_*.json",
    recognises,
    rows,
)
