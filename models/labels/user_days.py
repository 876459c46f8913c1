"""Label user-days from truth.

A user-day is positive from PAID_STREAMS_OF_A_DAY paid-for streams; with fewer, but some, it is `mixed` (left out of
training, on its own line in reports); without any it is negative, whoever's the account is.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from contracts.events import STREAM_MS
from contracts.labels import HONEST, PAID_STREAMS_OF_A_DAY
from models.labels.sessions import MIXED, NEGATIVE, POSITIVE, epoch_ms
from runtime.arrays import Ints
from runtime.local_time import day_numbers, to_local_ms
from runtime.units import DAY_MS


def day_labels_of(days: pd.DataFrame, blocks: Iterable[pd.DataFrame], timezones: pd.Series) -> pd.DataFrame:
    """Label user-days by the truth of their plays.

    `days`: user_id, local_date; one row each. `blocks`: plays with their truth, any number of rows at a time: user_id,
    event_time, listen_ms, family, campaign_id, is_paid. `timezones`: IANA name by user_id; UTC where it is missing.

    Returns one row per user-day, in the same order: label (1, 0, NaN = mixed), family and campaign_id (the commonest
    among its paid-for streams; honest and None without any), true_plays, true_streams, paid_streams.
    `attrs["rows_outside"]` counts the plays of no day in the table.
    """
    accounts = pd.Index(days["user_id"].unique())
    zones = timezones.reindex(accounts).astype("category").cat
    zone_names, zone_of = list(zones.categories), zones.codes.to_numpy().astype(np.int64)
    keys = _day_keys(accounts.get_indexer(days["user_id"]), day_numbers(days["local_date"]))
    place = pd.Index(keys)

    counts = np.zeros((len(days), 3), dtype=np.int64)  # plays, streams, paid-for streams
    outside = 0
    bought: list[pd.DataFrame] = []
    for rows in blocks:
        user = accounts.get_indexer(rows["user_id"]).astype(np.int64)
        zone = np.where(user >= 0, zone_of[user], -1)
        local_day = to_local_ms(epoch_ms(rows["event_time"]), zone, zone_names) // DAY_MS
        day = np.where(user >= 0, place.get_indexer(pd.Index(_day_keys(user, local_day))), -1)
        inside = day >= 0
        outside += int((~inside).sum())
        is_stream = inside & (rows["listen_ms"].to_numpy() >= STREAM_MS)
        is_paid = is_stream & rows["is_paid"].to_numpy(dtype=bool)
        for column, mask in enumerate((inside, is_stream, is_paid)):
            counts[:, column] += np.bincount(day[mask], minlength=len(days))
        bought.append(rows.loc[is_paid, ["family", "campaign_id"]].assign(day=day[is_paid]))

    paid = counts[:, 2]
    labels = pd.DataFrame({"family": HONEST, "campaign_id": None}, index=range(len(days)), dtype=object)
    top = _commonest(bought)
    labels.loc[top.index, ["family", "campaign_id"]] = top.to_numpy(dtype=object)
    labels.insert(0, "label", np.select([paid == 0, paid >= PAID_STREAMS_OF_A_DAY], [NEGATIVE, POSITIVE], MIXED))
    labels["true_plays"], labels["true_streams"], labels["paid_streams"] = counts.T
    labels.attrs["rows_outside"] = outside
    return labels


def _day_keys(user: Ints, day: Ints) -> Ints:
    """One sortable integer for an account and a day; days reach far past any calendar."""
    return user * (1 << 24) + day


def _commonest(bought: list[pd.DataFrame]) -> pd.DataFrame:
    """Return (family, campaign_id) by user-day: those of most paid-for streams, the first by name in a tie."""
    keys = ["day", "family", "campaign_id"]
    if not bought:
        return pd.DataFrame(columns=keys[1:])
    counts = pd.concat(bought).groupby(keys, dropna=False).size().reset_index(name="n")
    top = counts.sort_values(["n", "family", "campaign_id"], ascending=[False, True, True]).drop_duplicates("day")
    return top.set_index("day")[keys[1:]]
