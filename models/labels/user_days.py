"""Label user-days from truth.

A user-day is positive from PAID_STREAMS_OF_A_DAY paid-for streams. With fewer, but some, it is `mixed`: left out of
training, and reported on a separate line. Without any it is negative, whoever uses the account.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from contracts.labels import PAID_STREAMS_OF_A_DAY
from models.labels.paid_streams import MIXED, NEGATIVE, POSITIVE, count_paid_streams
from models.tables.times import epoch_ms
from models.tables.user_day_index import UserDayIndex
from runtime.local_time import day_numbers


def user_day_labels(days: pd.DataFrame, plays: Iterable[pd.DataFrame], timezones: pd.Series) -> pd.DataFrame:
    """Return the labels of user-days, from the truth of their plays.

    `days`: user_id, local_date; one row per account and day. `plays`: see `count_paid_streams`. `timezones`: IANA name
    by user_id; UTC where it is missing.

    Returns one row per user-day, in the same order: label (1, 0, NaN = mixed) and the columns of `count_paid_streams`.
    `attrs["rows_outside"]` is the number of plays of no day in the table.
    """
    index = UserDayIndex(days["user_id"], day_numbers(days["local_date"]), timezones)
    labels = count_paid_streams(
        plays, lambda rows: index.rows(rows["user_id"], epoch_ms(rows["event_time"])), len(days)
    )
    paid = labels["paid_streams"]
    labels.insert(0, "label", np.select([paid == 0, paid >= PAID_STREAMS_OF_A_DAY], [NEGATIVE, POSITIVE], MIXED))
    return labels
