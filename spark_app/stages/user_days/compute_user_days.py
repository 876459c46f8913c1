"""Typed rows of both topics to user-days with every feature; in batch, account by account."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.tables import USER_DAYS
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from runtime.arrays import Bools, Ints
from spark_app.stages.arrays.complete_groups import complete_groups
from spark_app.stages.arrays.segments import runs
from spark_app.stages.sessions.unmeasurable import mask_missing_fields
from spark_app.stages.user_days import day_rows, links
from spark_app.stages.user_days.day_batch import DayBatch
from spark_app.stages.user_days.features.registry import DAY_FEATURES
from spark_app.stages.user_days.history import history_days

COMPUTED_NAMES = tuple(name for name in USER_DAY_FEATURE_NAMES if name in DAY_FEATURES)


def day_columns(names: Sequence[str]) -> str:
    """Return the Spark schema of user-days before their joins; `devices` and `ips` are sorted hashes."""
    features = ", ".join(f"{name} double" for name in names)
    counts = "history_days int, sessions bigint, plays bigint, streams bigint"
    return f"user_id string, local_date date, {counts}, {features}, devices array<bigint>, ips array<bigint>"


def compute_user_days(
    plays: DataFrame,
    activity: DataFrame,
    tracks: DataFrame,
    users: DataFrame,
    zones: Sequence[str],
    names: Sequence[str] = COMPUTED_NAMES,
) -> DataFrame:
    """Turn typed rows into `day_columns`, one row per account and local day that has a row.

    `zones`: the time zones of `users`. `names`: features to compute; must include sessions_day, plays_day, streams_day.
    """
    rows = day_rows.narrow_plays(plays, tracks).unionByName(day_rows.narrow_activity(activity))
    accounts = day_rows.by_account(rows, users, zones)
    compute = partial(_compute_batches, zones=tuple(zones), names=tuple(names))
    return accounts.mapInArrow(compute, day_columns(names))


def user_days(
    plays: DataFrame, activity: DataFrame, tracks: DataFrame, users: DataFrame, zones: Sequence[str]
) -> DataFrame:
    """Turn typed rows into the table `user_days`."""
    # read twice, for the days and for their links: computing them again would double the cost
    days = compute_user_days(plays, activity, tracks, users, zones).persist(StorageLevel.DISK_ONLY)
    days_old = F.datediff("local_date", "signed_up_on")
    # greatest would skip the null of an account that is not known
    age = F.when(days_old.isNotNull(), F.greatest(days_old, F.lit(0))).cast("double")
    known = users.select("user_id", "signed_up_on", "plan", "country")
    joined = (
        links.join_links(days)
        .join(known, on="user_id", how="left")
        .withColumn("account_age_days", age)
        .withColumn("is_paid_plan", (F.col("plan") != "free").cast("double"))
        .withColumn("date", F.col("local_date"))
    )
    return joined.select(*(c.name for c in USER_DAYS))


def zones_of(users: DataFrame) -> list[str]:
    """List the time zones of the accounts, sorted."""
    return sorted(row["timezone"] for row in users.select("timezone").distinct().collect() if row["timezone"])


def _compute_batches(
    batches: Iterable[pa.RecordBatch], zones: Sequence[str], names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    for table in complete_groups(batches, "user_id"):
        yield compute_day_features(DayBatch.from_arrow(table, zones), names)


def compute_day_features(b: DayBatch, names: Sequence[str] = COMPUTED_NAMES) -> pa.RecordBatch:
    """Compute `day_columns` of complete accounts; a feature that cannot be measured is null."""
    features = mask_missing_fields({name: DAY_FEATURES[name](b) for name in names}, b.as_sessions)
    columns: dict[str, pa.Array] = {
        "user_id": b.users.take(pa.array(b.day_user)),
        "local_date": pa.array(b.day_number.astype(np.int32)).cast(pa.date32()),
        "history_days": pa.array(history_days(b).astype(np.int32)),
        **{
            name: pa.array(features[f"{name}_day"], from_pandas=True).cast(pa.int64())
            for name in ("sessions", "plays", "streams")
        },
        # NaN is "cannot be measured": null in the table
        **{name: pa.array(features[name], pa.float64(), from_pandas=True) for name in names},
        "devices": _lists(b, b.device, b.device != 0),
        "ips": _lists(b, b.ip, b.ip != 0),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _lists(b: DayBatch, values: Ints, known: Bools) -> pa.Array:
    """Return the distinct values of each user-day, sorted, as lists."""
    day, value, _ = runs(b.day[known], values[known])
    offsets = np.concatenate([[0], np.cumsum(np.bincount(day, minlength=b.n))]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(value))
