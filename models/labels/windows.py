"""Label account windows from truth, by the labels of their user-days."""

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from runtime.local_time import day_numbers


def label_windows(windows: pd.DataFrame, days: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Add `label` and `family` to windows (user_id, last_day, days).

    1 where a day of the window has a paid stream (`days`: user_id, local_date, paid_streams), 0 on honest accounts, NaN
    on windows in which a bot's account rests. `accounts`: user_id, family, campaign_id.
    """
    paid = days[days["paid_streams"] > 0]
    users = pd.Index(accounts["user_id"])
    step = 1 << 20
    key = np.sort(users.get_indexer(paid["user_id"]).astype(np.int64) * step + day_numbers(paid["local_date"]))
    at = users.get_indexer(windows["user_id"]).astype(np.int64) * step + day_numbers(windows["last_day"])
    first = at - windows["days"].to_numpy() + 1
    has_paid = np.searchsorted(key, at, side="right") > np.searchsorted(key, first)
    known = accounts.set_index("user_id")
    is_honest = windows["user_id"].map(known["campaign_id"]).isna().to_numpy()
    family = windows["user_id"].map(known["family"]).where(~is_honest, HONEST)
    return windows.assign(label=np.select([has_paid, is_honest], [1.0, 0.0], np.nan), family=family)
