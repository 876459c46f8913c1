"""Typed rows of both topics to the shape that user-days are computed from: one flat row of longs each.

Opaque ids become 64-bit hashes, values of a vocabulary their 1-based index; 0 is "unknown" in every column.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, NETWORKS, SKIP_REASONS
from spark_app.stages.arrays.countries import COUNTRIES

LONGS = (
    "event_ms", "id_hash", "lengths", "code", "track", "artist", "label", "label_size", "context", "device", "ip",
    "cdm",
)  # fmt: skip
"""Columns of a row, with `user_id`, `popularity` and `zone`. `lengths` is listen_ms << 32 | duration_ms;
`label_size` the number of tracks the label has; `cdm` the version of the decryption module."""

SHIFT = {"action": 0, "flags": 5, "network": 8, "device_type": 12, "drm": 16, "codec": 20, "country": 24, "missing": 40}
WIDTH = {"action": 5, "flags": 2, "network": 4, "device_type": 4, "drm": 4, "codec": 4, "country": 16, "missing": 3}
"""Bits of `code`. Each part is 1 + the index in its vocabulary; action 0 is a play; flags: 1 autoadvance, 2 skip;
missing: fields that a play lacks, 1 listen_ms, 2 reason_start, 4 reason_end."""
IS_AUTOADVANCE, IS_SKIP = 1, 2
NO_LISTEN, NO_START_REASON, NO_END_REASON = 1, 2, 4


def _index_in(values: Sequence[str], column: str) -> Column:
    return F.coalesce(F.array_position(F.array(*map(F.lit, values)), F.col(column)), F.lit(0)).cast("bigint")


def _country() -> Column:
    indices = F.create_map(*(F.lit(cell) for i, code in enumerate(COUNTRIES, start=1) for cell in (code, i)))
    return F.coalesce(indices[F.col("country")], F.lit(0)).cast("bigint")


def _hash(column: str) -> Column:
    return F.when(F.col(column).isNotNull(), F.xxhash64(column)).otherwise(F.lit(0).cast("bigint"))


def _packed(**parts: Column) -> Column:
    code = F.lit(0).cast("bigint")
    for name, value in parts.items():
        code = code + F.shiftleft(value.cast("bigint"), SHIFT[name])
    return code


def _shared() -> dict[str, Column]:
    return {
        "network": _index_in(NETWORKS, "network"),
        "device_type": _index_in(DEVICES, "device_type"),
        "country": _country(),
    }


def _row(rows: DataFrame, columns: dict[str, Column]) -> DataFrame:
    shared = {"event_ms": F.unix_millis("event_time"), "device": _hash("device_id"), "ip": _hash("ip")}
    of_row = shared | columns
    longs = (of_row.get(name, F.lit(0)).cast("bigint").alias(name) for name in LONGS)
    popularity = of_row.get("popularity", F.lit(None)).cast("double").alias("popularity")
    return rows.select("user_id", *longs, popularity)


def narrow_plays(plays: DataFrame, tracks: DataFrame) -> DataFrame:
    """Join plays with the static tracks: user_id, LONGS, popularity."""
    sizes = tracks.groupBy("label_id").agg(F.count("*").alias("label_size"))
    known = (
        tracks.join(F.broadcast(sizes), on="label_id", how="left")
        .withColumnRenamed("total_track_popularity", "total")
        .select("track_id", "artist_id", "label_id", "duration_ms", "total", "label_size")
    )
    joined = plays.join(F.broadcast(known), on="track_id", how="left")
    flags = F.when(F.col("reason_start") == "trackdone", IS_AUTOADVANCE).otherwise(0) + F.when(
        F.col("reason_end").isin(*SKIP_REASONS), IS_SKIP
    ).otherwise(0)
    no_listen, no_start, no_end = (
        F.when(F.col(name).isNull(), bit).otherwise(0)
        for name, bit in (("listen_ms", NO_LISTEN), ("reason_start", NO_START_REASON), ("reason_end", NO_END_REASON))
    )
    listen_ms = F.coalesce(F.col("listen_ms").cast("bigint"), F.lit(0))
    columns = {
        "id_hash": F.xxhash64("play_id"),
        "code": _packed(flags=flags, missing=no_listen + no_start + no_end, **_shared()),
        "lengths": F.shiftleft(listen_ms, 32) + F.coalesce(F.col("duration_ms"), F.lit(0)),
        "track": F.xxhash64("track_id"),
        "artist": _hash("artist_id"),
        "label": _hash("label_id"),
        "context": _hash("context_id"),
        "label_size": F.coalesce(F.col("label_size"), F.lit(0)),
        "popularity": F.col("total"),
    }
    return _row(joined, columns)


def narrow_activity(activity: DataFrame) -> DataFrame:
    """Return activity rows in the same shape; `track` is the item of a licence request, 0 for other actions."""
    licensed = F.when(F.col("action") == "licence_request", _hash("item_id")).otherwise(F.lit(0).cast("bigint"))
    columns = {
        "id_hash": F.xxhash64("event_id"),
        "code": _packed(
            action=_index_in(ACTIONS, "action"),
            drm=_index_in(DRMS, "drm"),
            codec=_index_in(CODECS, "codec"),
            **_shared(),
        ),
        "track": licensed,
        "cdm": _hash("cdm_version"),
    }
    return _row(activity, columns)


def by_account(rows: DataFrame, users: DataFrame, zones: Sequence[str]) -> DataFrame:
    """Group the rows by account, one account after another in a partition; adds `zone`.

    `zone` is the index of the account's time zone in `zones`, −1 where it is unknown.
    """
    indices = F.create_map(*(F.lit(cell) for i, name in enumerate(zones) for cell in (name, i)))
    index = indices[F.col("timezone")] if zones else F.lit(None)
    known = users.select("user_id", index.cast("int").alias("zone"))
    # a merge join keeps accounts sorted, and needs no machine to hold all users
    joined = rows.repartition("user_id").join(known.hint("merge"), on="user_id", how="left")
    columns = ("user_id", *LONGS, "popularity")
    return joined.select(*columns, F.coalesce("zone", F.lit(-1)).alias("zone")).sortWithinPartitions("user_id")
