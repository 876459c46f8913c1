"""User-days to the static tables of a date: statistics of each account's own history, and links that accounts share.

Both use the 28 local days before their date, without the date itself: joined to rows of that date, they contain nothing
that was not known on the evening before.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.tables import DEVICE_LINKS, USER_BASELINES, ddl
from contracts.user_day_features import BASELINE_QUANTITIES, HISTORY_DAYS, WEEK_DAYS
from models.metrics.robust import median_and_mad
from runtime.arrays import Floats, Ints
from spark_app.stages.arrays.complete_groups import complete_groups
from spark_app.stages.user_days.history import moments
from spark_app.stages.user_days.links import visits

ZONES_DAYS = 3
"""A session of a local day may use the table of that date, or of one of the two before: zones are 26 hours apart."""
MAX_HISTORIES = 10_000
"""Histories that are summarized at once: their days take a few megabytes."""
MIN_ACCOUNTS = 2
"""Nearly all devices and addresses have one account, and link nobody."""


def history_of(days: DataFrame, as_of: date) -> DataFrame:
    """Return the user-days that a table of `as_of` may use."""
    return days.where(F.col("local_date").between(as_of - timedelta(HISTORY_DAYS), as_of - timedelta(1)))


def user_baselines(days: DataFrame, as_of: date) -> DataFrame:
    """Turn user-days (user_id, local_date, BASELINE_QUANTITIES) into the table `user_baselines` of a date."""
    history = history_of(days, as_of).select("user_id", "local_date", *BASELINE_QUANTITIES)
    by_account = history.repartition("user_id").sortWithinPartitions("user_id")
    return by_account.mapInArrow(partial(_baseline_batches, as_of=as_of), ddl(USER_BASELINES))


def user_baselines_by_date(days: DataFrame) -> DataFrame:
    """Return the tables `user_baselines` of every date that a session may use, as one table with `as_of`."""
    quantities = days.select("user_id", "local_date", *BASELINE_QUANTITIES)
    by_account = quantities.repartition("user_id").sortWithinPartitions("user_id")
    return by_account.mapInArrow(_baseline_batches_by_date, f"as_of date, {ddl(USER_BASELINES)}")


def device_links(days: DataFrame, as_of: date) -> DataFrame:
    """Turn user-days (user_id, local_date, devices, ips) into the table `device_links` of a date."""
    in_week = F.when(F.col("local_date") >= as_of - timedelta(WEEK_DAYS), F.col("user_id"))
    counted = (
        visits(history_of(days, as_of))
        .groupBy("kind", "id_hash")
        .agg(
            F.count_distinct(in_week).cast("int").alias("accounts_7d"),
            F.count_distinct("user_id").cast("int").alias("accounts_28d"),
        )
    )
    shared = counted.where(F.col("accounts_28d") >= MIN_ACCOUNTS)
    return shared.select(*(c.name for c in DEVICE_LINKS))


def _baseline_batches(batches: Iterable[pa.RecordBatch], as_of: date) -> Iterator[pa.RecordBatch]:
    for table in complete_groups(batches, "user_id"):
        yield summarize_histories(table, as_of)


def _baseline_batches_by_date(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for table in complete_groups(batches, "user_id"):
        yield from summarize_histories_by_date(table)


def summarize_histories_by_date(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield the tables `user_baselines` of every date that a session may use, with `as_of`, from days of accounts.

    The days (user_id, local_date, BASELINE_QUANTITIES) are grouped by account. A batch has the dates of one stretch,
    in order: one date at a time, a year of one person would take a thousand small steps.
    """
    day = table["local_date"].cast(pa.int32()).to_numpy().astype(np.int64)
    user, names = _codes(table["user_id"])
    values = {name: table[name].to_numpy() for name in BASELINE_QUANTITIES}
    active = np.unique(np.unique(day)[:, None] - np.arange(ZONES_DAYS))
    dates_per_batch = max(1, MAX_HISTORIES // max(len(names), 1))
    for begin in range(0, len(active), dates_per_batch):
        dates = active[begin : begin + dates_per_batch]
        row, date_of = np.nonzero((dates - day[:, None] > 0) & (dates - day[:, None] <= HISTORY_DAYS))
        # one history per (date, account), in the order of dates and then of the table; none where there is one date
        history, group = np.unique(date_of * len(names) + user[row], return_inverse=True)
        ago = dates[date_of] - day[row]
        columns = _statistics(group, ago, len(history), {name: column[row] for name, column in values.items()})
        as_of = pa.array(dates[history // len(names)].astype(np.int32)).cast(pa.date32())
        users = names.take(pa.array(history % len(names)))
        yield pa.RecordBatch.from_pydict({"as_of": as_of, "user_id": users} | columns)


def _days_since_1970(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def summarize_histories(days: pa.Table, as_of: date) -> pa.RecordBatch:
    """Return the USER_BASELINES of days (user_id, local_date, BASELINE_QUANTITIES) that are grouped by account."""
    user, names = _codes(days["user_id"])
    ago = _days_since_1970(as_of) - days["local_date"].cast(pa.int32()).to_numpy().astype(np.int64)
    columns = _statistics(user, ago, len(names), {name: days[name].to_numpy() for name in BASELINE_QUANTITIES})
    return pa.RecordBatch.from_pydict({"user_id": names} | columns)


def _codes(user_ids: pa.ChunkedArray) -> tuple[Ints, pa.Array]:
    """Return the number of each row's account, and the accounts by number, in the order in which they come."""
    users = user_ids.combine_chunks().dictionary_encode()
    users = users.chunk(0) if isinstance(users, pa.ChunkedArray) else users
    return users.indices.to_numpy().astype(np.int64), users.dictionary


def _statistics(history: Ints, ago: Ints, n: int, values: dict[str, Floats]) -> dict[str, pa.Array]:
    """Return days and statistics of `n` histories, from days: the history of each, and how many days ago it was."""
    columns: dict[str, pa.Array] = {"history_days": pa.array(np.bincount(history, minlength=n).astype(np.int32))}
    for name, column in values.items():
        table: Floats = np.full((n, HISTORY_DAYS), np.nan)
        table[history, ago - 1] = column
        mean, sd, _ = moments(table)
        middle, mad = median_and_mad(table)
        for statistic, result in (("mean", mean), ("sd", sd), ("median", middle), ("mad", mad)):
            columns[f"{name}_{statistic}"] = pa.array(result, pa.float64(), from_pandas=True)
    return columns
