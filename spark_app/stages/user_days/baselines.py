"""User-days to the static tables of a date: what is usual for each account, and which links several accounts share.

Both see the 28 local days before their date, never the date itself: joined to rows of that date they tell nothing that
was not known the evening before.
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
from spark_app.stages.arrays.complete_groups import whole_groups
from spark_app.stages.user_days.history import moments
from spark_app.stages.user_days.links import visits

ZONES_DAYS = 3
"""A session of a local day may see the table of that date, or of one of the two before: zones are 26 hours apart."""
LEAST_ACCOUNTS = 2
"""A link of one account links nobody; such are nearly all."""


def history_of(days: DataFrame, as_of: date) -> DataFrame:
    """Keep the user-days that a table of `as_of` may see."""
    return days.where(F.col("local_date").between(as_of - timedelta(HISTORY_DAYS), as_of - timedelta(1)))


def user_baselines(days: DataFrame, as_of: date) -> DataFrame:
    """Turn user-days (user_id, local_date, BASELINE_QUANTITIES) into the table `user_baselines` of a date."""
    seen = history_of(days, as_of).select("user_id", "local_date", *BASELINE_QUANTITIES)
    together = seen.repartition("user_id").sortWithinPartitions("user_id")
    return together.mapInArrow(partial(_baseline_batches, as_of=as_of), ddl(USER_BASELINES))


def user_baselines_by_date(days: DataFrame) -> DataFrame:
    """Return the tables `user_baselines` of all dates at which an account may have a session, as one, with `as_of`."""
    seen = days.select("user_id", "local_date", *BASELINE_QUANTITIES)
    together = seen.repartition("user_id").sortWithinPartitions("user_id")
    return together.mapInArrow(_baseline_batches_by_date, f"as_of date, {ddl(USER_BASELINES)}")


def device_links(days: DataFrame, as_of: date) -> DataFrame:
    """Turn user-days (user_id, local_date, devices, ips) into the table `device_links` of a date."""
    lately = F.when(F.col("local_date") >= as_of - timedelta(WEEK_DAYS), F.col("user_id"))
    counted = (
        visits(history_of(days, as_of))
        .groupBy("kind", "id_hash")
        .agg(
            F.count_distinct(lately).cast("int").alias("accounts_7d"),
            F.count_distinct("user_id").cast("int").alias("accounts_28d"),
        )
    )
    shared = counted.where(F.col("accounts_28d") >= LEAST_ACCOUNTS)
    return shared.select(*(c.name for c in DEVICE_LINKS))


def _baseline_batches(batches: Iterable[pa.RecordBatch], as_of: date) -> Iterator[pa.RecordBatch]:
    for table in whole_groups(batches, "user_id"):
        yield describe_history(table, as_of)


def _baseline_batches_by_date(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for table in whole_groups(batches, "user_id"):
        active = [day - timedelta(n) for day in pc.unique(table["local_date"]).to_pylist() for n in range(ZONES_DAYS)]
        for as_of in sorted(set(active)):
            ago = pc.subtract(pa.scalar(days_since_1970(as_of)), table["local_date"].cast(pa.int32()))
            seen = table.filter(pc.and_(pc.greater(ago, 0), pc.less_equal(ago, HISTORY_DAYS)))
            if seen.num_rows:
                histories = describe_history(seen, as_of)
                dated = pa.array([as_of] * histories.num_rows, pa.date32())
                yield histories.add_column(0, "as_of", dated)


def days_since_1970(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def describe_history(days: pa.Table, as_of: date) -> pa.RecordBatch:
    """Describe each account's days (user_id, local_date, BASELINE_QUANTITIES), an account's rows side by side."""
    users = days["user_id"].combine_chunks().dictionary_encode()
    users = users.chunk(0) if isinstance(users, pa.ChunkedArray) else users
    user, n = users.indices.to_numpy().astype(np.int64), len(users.dictionary)
    ago = days_since_1970(as_of) - days["local_date"].cast(pa.int32()).to_numpy().astype(np.int64)
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
