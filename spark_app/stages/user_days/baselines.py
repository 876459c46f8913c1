"""User-days to the static tables of a date: statistics of each account's own history, and links that accounts share.

Both use the 28 local days before their date, without the date itself: joined to rows of that date, they contain nothing
that was not known on the evening before.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.tables import DEVICE_LINKS, USER_BASELINES, ddl
from contracts.user_day_features import BASELINE_QUANTITIES, HISTORY_DAYS, WEEK_DAYS
from models.metrics.robust import median_and_mad
from runtime.arrays import Floats
from spark_app.stages.arrays.complete_groups import complete_groups
from spark_app.stages.user_days.history import moments
from spark_app.stages.user_days.links import visits

ZONES_DAYS = 3
"""A session of a local day may use the table of that date, or of one of the two before: zones are 26 hours apart."""
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

    The days (user_id, local_date, BASELINE_QUANTITIES) are grouped by account.
    """
    active = [day - timedelta(n) for day in pc.unique(table["local_date"]).to_pylist() for n in range(ZONES_DAYS)]
    for as_of in sorted(set(active)):
        ago = pc.subtract(pa.scalar(_days_since_1970(as_of)), table["local_date"].cast(pa.int32()))
        history = table.filter(pc.and_(pc.greater(ago, 0), pc.less_equal(ago, HISTORY_DAYS)))
        if history.num_rows:
            baselines = summarize_histories(history, as_of)
            dates = pa.array([as_of] * baselines.num_rows, pa.date32())
            yield baselines.add_column(0, "as_of", dates)


def _days_since_1970(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def summarize_histories(days: pa.Table, as_of: date) -> pa.RecordBatch:
    """Return the USER_BASELINES of days (user_id, local_date, BASELINE_QUANTITIES) that are grouped by account."""
    users = days["user_id"].combine_chunks().dictionary_encode()
    users = users.chunk(0) if isinstance(users, pa.ChunkedArray) else users
    user, n = users.indices.to_numpy().astype(np.int64), len(users.dictionary)
    ago = _days_since_1970(as_of) - days["local_date"].cast(pa.int32()).to_numpy().astype(np.int64)
    columns: dict[str, pa.Array] = {
        "user_id": users.dictionary,
        "history_days": pa.array(np.bincount(user, minlength=n).astype(np.int32)),
    }
    for name in BASELINE_QUANTITIES:
        table: Floats = np.full((n, HISTORY_DAYS), np.nan)
        table[user, ago - 1] = days[name].to_numpy()
        mean, sd, _ = moments(table)
        middle, mad = median_and_mad(table)
        for statistic, values in (("mean", mean), ("sd", sd), ("median", middle), ("mad", mad)):
            columns[f"{name}_{statistic}"] = pa.array(values, pa.float64(), from_pandas=True)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
