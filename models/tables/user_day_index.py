"""From an account and a moment to its user-day: the row of the account's local day in a table."""

import numpy as np
import pandas as pd

from runtime.arrays import Ints
from runtime.local_time import to_local_ms
from runtime.units import DAY_MS


class UserDayIndex:
    """Finds the row of an account's local day in a table with one row per account and day."""

    def __init__(self, users: pd.Series, days: Ints, timezones: pd.Series) -> None:
        """Index the rows. `days`: days since 1970. `timezones`: IANA name by user_id; UTC where it is missing."""
        self._accounts = pd.Index(users.unique())
        zones = timezones.reindex(self._accounts).astype("category").cat
        self._zones, self._zone_of = list(zones.categories), zones.codes.to_numpy().astype(np.int64)
        self._rows = pd.Index(self._key(self._accounts.get_indexer(users).astype(np.int64), days))

    def rows(self, users: pd.Series, epoch_ms: Ints) -> Ints:
        """Return for each account and moment the row of its local day, or -1 where the table has none."""
        user = self._accounts.get_indexer(users).astype(np.int64)
        zone = np.where(user >= 0, self._zone_of[user], -1)
        day = to_local_ms(epoch_ms, zone, self._zones) // DAY_MS
        return np.where(user >= 0, self._rows.get_indexer(pd.Index(self._key(user, day))), -1).astype(np.int64)

    @staticmethod
    def _key(user: Ints, day: Ints) -> Ints:
        return user * (1 << 24) + day  # no calendar has so many days
