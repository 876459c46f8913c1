"""Typed rows of both topics to one narrow shape: the columns that a session needs.

Narrow, because every byte crosses two shuffles and is rewritten in the state of each open session. Opaque ids that are
only counted or compared become 64-bit hashes; small values share one long.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.events import ACTIONS, ACTIVITY, CODECS, DEVICES, DRMS, NETWORKS, PLAYS, SKIP_REASONS
from runtime.units import HOUR_MS

_SHARED_FIELDS = ("session_id", "device_id", "device_type", "ip", "country", "network", "ts")
USED_FIELDS = {PLAYS: _SHARED_FIELDS, ACTIVITY: (*_SHARED_FIELDS, "drm", "codec")}
"""Fields that sessions need in addition to the checked ones, by topic."""

TOPIC_CODE = {PLAYS: 0, ACTIVITY: 1}
CUT_MS = 3 * HOUR_MS
"""Sessions are cut every 3 h, at a moment that differs by account, so that a bot that never stops is still scored."""

IS_AUTOADVANCE, IS_SKIP = 1 << 5, 1 << 6
NO_START_REASON, NO_END_REASON = 1 << 11, 1 << 12
"""A play without a reason_start, or without a reason_end: it must not count as one with another reason."""
NETWORK_SHIFT, DEVICE_TYPE_SHIFT, COUNTRY_SHIFT, DRM_SHIFT, CODEC_SHIFT = 8, 13, 16, 32, 35
"""Layout of `code`: bits 0–4 action (0 for a play, else its index in ACTIONS + 1), 5 and 6 flags, 8–10 network (0 null,
else its index in NETWORKS + 1), 11 and 12 flags, 13–15 device type, 16–31 the two letters of the country, 32–34 DRM,
35–37 codec (0 null, the same)."""


def _index_in(values: tuple[str, ...], column: str) -> Column:
    """Return the 1-based index of a value in a vocabulary; 0 where it is null or unknown."""
    return F.coalesce(F.array_position(F.array(*map(F.lit, values)), F.col(column)), F.lit(0))


def _shared_code() -> Column:
    network, device_type = _index_in(NETWORKS, "network"), _index_in(DEVICES, "device_type")
    return (
        F.shiftleft(network, NETWORK_SHIFT)
        + F.shiftleft(device_type, DEVICE_TYPE_SHIFT)
        + F.shiftleft(_letters("country"), COUNTRY_SHIFT)
    )


def _letters(column: str) -> Column:
    """Pack the first two characters of a text into one long, a byte per character; 0 where it is null."""
    first, second = F.ascii(column), F.ascii(F.substring(column, 2, 1))
    letters = F.shiftleft(first.bitwiseAND(0xFF), 8) + second.bitwiseAND(0xFF)
    return F.coalesce(letters.cast("bigint"), F.lit(0).cast("bigint"))


def _hash(column: str) -> Column:
    """Hash an opaque id; null stays null, so that "unknown" is not counted as a device or an address."""
    return F.when(F.col(column).isNotNull(), F.xxhash64(column))


def _session_row(rows: DataFrame, topic: str, id_field: str, item: dict[str, Column]) -> DataFrame:
    event_ms = F.unix_millis("event_time")
    cut = F.floor((event_ms + F.pmod(F.xxhash64("user_id"), F.lit(CUT_MS))) / F.lit(CUT_MS))
    shared = {
        "event_ms": event_ms,
        "id_hash": F.xxhash64(id_field),
        "ts": F.col("ts"),
        "device": _hash("device_id"),
        "ip": _hash("ip"),
        "session_id": F.col("session_id"),
    }
    columns = {**shared, **item}
    return rows.select(
        F.lit(TOPIC_CODE[topic]).cast("tinyint").alias("topic"),
        F.xxhash64(id_field).alias("id_hash"),
        "user_id",
        cut.cast("bigint").alias("cut"),
        "event_time",
        F.struct(*(columns[name].alias(name) for name in ITEM)).alias("item"),
    )


ITEM = (
    "event_ms", "id_hash", "ts", "code", "lengths", "track_id", "artist", "popularity", "device", "ip", "session_id",
)  # fmt: skip
"""Fields of `item`, in order. `lengths` is listen_ms << 32 | duration_ms (0 = not known); null without a listen_ms."""
ITEM_DDL = (
    "event_ms bigint, id_hash bigint, ts bigint, code bigint, lengths bigint, track_id string, artist bigint, "
    "popularity double, device bigint, ip bigint, session_id string"
)


def narrow_plays(plays: DataFrame, tracks: DataFrame) -> DataFrame:
    """Join plays with the static tracks and select topic, id_hash, user_id, cut, event_time, item.

    A play of a track that is not in the table stays, with duration, artist and popularity unknown.
    """
    known = tracks.select("track_id", "artist_id", "duration_ms", F.col("total_track_popularity").alias("popularity"))
    joined = plays.join(F.broadcast(known), on="track_id", how="left")
    flags = F.when(F.col("reason_start") == "trackdone", IS_AUTOADVANCE).otherwise(0) + F.when(
        F.col("reason_end").isin(*SKIP_REASONS), IS_SKIP
    ).otherwise(0)
    missing = F.when(F.col("reason_start").isNull(), NO_START_REASON).otherwise(0) + F.when(
        F.col("reason_end").isNull(), NO_END_REASON
    ).otherwise(0)
    lengths = F.shiftleft(F.col("listen_ms").cast("bigint"), 32) + F.coalesce(F.col("duration_ms"), F.lit(0))
    item = {
        "code": flags + missing + _shared_code(),
        "lengths": lengths,
        "track_id": F.col("track_id"),
        "artist": _hash("artist_id"),
        "popularity": F.col("popularity"),
    }
    return _session_row(joined, PLAYS, "play_id", item)


def narrow_activity(activity: DataFrame) -> DataFrame:
    """Select the same columns of activity rows as `narrow_plays` of plays."""
    drm = F.shiftleft(_index_in(DRMS, "drm").cast("bigint"), DRM_SHIFT)
    codec = F.shiftleft(_index_in(CODECS, "codec").cast("bigint"), CODEC_SHIFT)
    item = {
        "code": _index_in(ACTIONS, "action") + _shared_code() + drm + codec,
        "lengths": F.lit(0).cast("bigint"),
        "track_id": F.lit(None).cast("string"),
        "artist": F.lit(None).cast("bigint"),
        "popularity": F.lit(None).cast("double"),
    }
    return _session_row(activity, ACTIVITY, "event_id", item)
