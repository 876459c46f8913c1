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
from spark_app.stages.arrays.complete_groups import whole_groups
from spark_app.stages.arrays.segments import runs
from spark_app.stages.sessions.unmeasurable import erase_unknown
from spark_app.stages.user_days import day_rows, links
from spark_app.stages.user_days.clock_features import CLOCK
from spark_app.stages.user_days.day_batch import DayBatch, DayFunction
from spark_app.stages.user_days.day_features import OF_THE_DAY
from spark_app.stages.user_days.history import history_days
from spark_app.stages.user_days.new_place_features import NEW_PLACES
from spark_app.stages.user_days.own_history_features import OWN_HISTORY

DAY_FEATURES: dict[str, DayFunction] = OF_THE_DAY | CLOCK | OWN_HISTORY | NEW_PLACES
JOINED = ("accounts_per_device", "accounts_per_ip", "account_age_days", "is_paid_plan")
"""Features that come by a join, not from the account's own rows."""
assert {*DAY_FEATURES, *JOINED} == {*USER_DAY_FEATURE_NAMES}, "features and contracts/user_day_features.py differ"

_BY_ARROW = tuple(name for name in USER_DAY_FEATURE_NAMES if name in DAY_FEATURES)


def described_ddl(names: Sequence[str]) -> str:
    """Say the columns of a user-day before its joins; `devices` and `ips` are the hashes seen, sorted."""
    features = ", ".join(f"{name} double" for name in names)
    counts = "history_days int, sessions bigint, plays bigint, streams bigint"
    return f"user_id string, local_date date, {counts}, {features}, devices array<bigint>, ips array<bigint>"


def described_days(
    plays: DataFrame,
    activity: DataFrame,
    tracks: DataFrame,
    users: DataFrame,
    zones: Sequence[str],
    names: Sequence[str] = _BY_ARROW,
) -> DataFrame:
    """Turn typed rows into `described_ddl`, one row per (account, local day) with a row.

    `zones`: time zones of `users`. `names`: features, those that count sessions, plays and streams among them.
    """
    rows = day_rows.plays_to_day_rows(plays, tracks).unionByName(day_rows.activity_to_day_rows(activity))
    accounts = day_rows.by_account(rows, users, zones)
    describe_these = partial(_describe_batches, zones=tuple(zones), names=tuple(names))
    return accounts.mapInArrow(describe_these, described_ddl(names))


def user_days(
    plays: DataFrame, activity: DataFrame, tracks: DataFrame, users: DataFrame, zones: Sequence[str]
) -> DataFrame:
    """Turn typed rows into the table `user_days`."""
    # read twice, for the days and for their links: describing them again would cost all there is
    days = described_days(plays, activity, tracks, users, zones).persist(StorageLevel.DISK_ONLY)
    days_old = F.datediff("local_date", "signed_up_on")
    # greatest would skip the null of an account that is not known
    age = F.when(days_old.isNotNull(), F.greatest(days_old, F.lit(0))).cast("double")
    known = users.select("user_id", "signed_up_on", "plan", "country")
    joined = (
        links.with_links(days)
        .join(known, on="user_id", how="left")
        .withColumn("account_age_days", age)
        .withColumn("is_paid_plan", (F.col("plan") != "free").cast("double"))
        .withColumn("date", F.col("local_date"))
    )
    return joined.select(*(c.name for c in USER_DAYS))


def zones_of(users: DataFrame) -> list[str]:
    """List the time zones of the accounts, sorted."""
    return sorted(row["timezone"] for row in users.select("timezone").distinct().collect() if row["timezone"])


def _describe_batches(
    batches: Iterable[pa.RecordBatch], zones: Sequence[str], names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    for table in whole_groups(batches, "user_id"):
        yield describe(DayBatch.from_arrow(table, zones), names)


def describe(b: DayBatch, names: Sequence[str] = _BY_ARROW) -> pa.RecordBatch:
    """Compute `described_ddl` for whole accounts."""
    values = {name: DAY_FEATURES[name](b) for name in names}
    erase_unknown(values, b.as_sessions)
    columns: dict[str, pa.Array] = {
        "user_id": b.users.take(pa.array(b.day_user)),
        "local_date": pa.array(b.day_number.astype(np.int32)).cast(pa.date32()),
        "history_days": pa.array(history_days(b).astype(np.int32)),
        **{
            name: pa.array(values[f"{name}_day"], from_pandas=True).cast(pa.int64())
            for name in ("sessions", "plays", "streams")
        },
        # NaN is "not measurable": null in the table
        **{name: pa.array(values[name], pa.float64(), from_pandas=True) for name in names},
        "devices": _lists(b, b.device, b.device != 0),
        "ips": _lists(b, b.ip, b.ip != 0),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _lists(b: DayBatch, values: Ints, known: Bools) -> pa.Array:
    """List the distinct values of each user-day."""
    day, value, _ = runs(b.day[known], values[known])
    offsets = np.concatenate([[0], np.cumsum(np.bincount(day, minlength=b.n))]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(value))
