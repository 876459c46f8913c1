"""How many accounts used a device or an address in the days before a day."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.user_day_features import HISTORY_DAYS, WEEK_DAYS
from runtime.arrays import Ints
from spark_app.stages.arrays.complete_groups import complete_groups
from spark_app.stages.user_days.day_batch import first_of_each

LINKED = "kind string, id_hash bigint, user_id string, local_date date, accounts_7d int, accounts_28d int"
KINDS = {"device": "devices", "ip": "ips"}
"""Kinds of link, each with the column of a user-day that lists its ids."""


def accounts_before(link: Ints, user: Ints, day: Ints, days: int) -> Ints:
    """Count the accounts on a link in the `days` days before each visit, without the day of the visit.

    A visit is an account on a link on a day; `link`, `user` and `day` have one value per visit.

    >>> accounts_before(np.array([7, 7, 7]), np.array([1, 2, 1]), np.array([0, 1, 2]), 28).tolist()
    [0, 1, 2]
    """
    _, index = np.unique(link, return_inverse=True)
    order = np.lexsort((day, user, index))
    link_of, day_of = index[order], day[order]
    is_last = np.ones(len(order), dtype=bool)
    is_last[:-1] = first_of_each(link_of, user[order])[1:]
    # an account counts on the days after its visit, until its next visit (and then on the days after that)
    until = np.where(is_last, day_of + days, np.minimum(day_of + days, np.roll(day_of, -1)))
    span = int(until.max(initial=0)) + 2
    keys = np.concatenate([link_of * span + day_of + 1, link_of * span + until + 1])
    steps = np.repeat([1, -1], len(order))
    in_time = np.argsort(keys)
    # the steps of each link sum to 0, so one running sum serves all links
    running = np.concatenate([[0], np.cumsum(steps[in_time])])
    return running[np.searchsorted(keys[in_time], index * span + day, side="right")]


def visits(days: DataFrame) -> DataFrame:
    """Return one row per device and address of user-days (user_id, local_date, devices, ips)."""
    devices, ips = (
        days.select(F.lit(kind).alias("kind"), F.explode(ids).alias("id_hash"), "user_id", "local_date")
        for kind, ids in KINDS.items()
    )
    # one row per link, account and local day
    return devices.unionByName(ips)


def linked_visits(days: DataFrame) -> DataFrame:
    """Count, for each visit, the accounts on its link in the days before: LINKED."""
    by_link = visits(days).repartition("id_hash").sortWithinPartitions("id_hash")
    return by_link.mapInArrow(_count_batches, LINKED)


def _count_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for table in complete_groups(batches, "id_hash"):
        yield from count_accounts(table).combine_chunks().to_batches()


def count_accounts(table: pa.Table) -> pa.Table:
    """Add to visits (kind, id_hash, user_id, local_date) the accounts on their link in the days before: LINKED."""
    is_ip = (table["kind"].to_numpy() == "ip").astype(np.int64)
    # a device and an address with the same hash are two links
    link = _numbered(table["id_hash"].to_numpy()) * 2 + is_ip
    user = _numbered(table["user_id"].to_numpy())
    day = table["local_date"].cast(pa.int32()).to_numpy().astype(np.int64)
    counts = {
        f"accounts_{window}d": pa.array(accounts_before(link, user, day, window).astype(np.int32))
        for window in (WEEK_DAYS, HISTORY_DAYS)
    }
    columns = {name: table[name] for name in table.column_names}
    return pa.table(columns | counts)


def _numbered(values: Ints) -> Ints:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def join_links(days: DataFrame) -> DataFrame:
    """Add accounts_per_device and accounts_per_ip, at least 1, null where the day has no known one; drop the ids."""
    per_day = (
        linked_visits(days)
        .groupBy("user_id", "local_date")
        .agg(
            *(
                F.greatest(F.max(F.when(F.col("kind") == kind, F.col("accounts_28d"))), F.lit(1))
                .cast("double")
                .alias(f"accounts_per_{kind}")
                for kind in KINDS
            )
        )
    )
    # greatest skips nulls: a kind that the day does not know must stay null
    joined = days.join(per_day, on=["user_id", "local_date"], how="left")
    for kind, ids in KINDS.items():
        name = f"accounts_per_{kind}"
        joined = joined.withColumn(name, F.when(F.size(ids) > 0, F.col(name)))
    return joined.drop(*KINDS.values())
