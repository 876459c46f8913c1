"""Count the paid-for streams of sessions or user-days, from plays whose truth is known."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.events import STREAM_MS
from contracts.labels import HONEST

POSITIVE, NEGATIVE, MIXED = 1.0, 0.0, float("nan")


def count_paid_streams(
    plays: Iterable[pd.DataFrame], find_units: Callable[[pd.DataFrame], NDArray[np.int64]], n_units: int
) -> pd.DataFrame:
    """Count plays by unit, a session or a user-day.

    `plays`: frames of any number of rows: user_id, event_time, listen_ms, family, campaign_id, is_paid. `find_units`
    returns for each row the position of its unit, or -1 where it is in none.

    Returns one row per unit: family and campaign_id (the commonest among its paid-for streams; honest and None without
    any), true_plays, true_streams, paid_streams. `attrs["rows_outside"]` is the number of plays in no unit.
    """
    counts = np.zeros((n_units, 3), dtype=np.int64)  # plays, streams, paid-for streams
    outside = 0
    paid: list[pd.DataFrame] = []
    for rows in plays:
        unit = find_units(rows)
        is_inside = unit >= 0
        outside += int((~is_inside).sum())
        is_stream = is_inside & (rows["listen_ms"].to_numpy() >= STREAM_MS)
        is_paid = is_stream & rows["is_paid"].to_numpy(dtype=bool)
        for column, mask in enumerate((is_inside, is_stream, is_paid)):
            counts[:, column] += np.bincount(unit[mask], minlength=n_units)
        streams = rows.loc[is_paid, ["family", "campaign_id"]].assign(unit=unit[is_paid])
        paid.append(streams.groupby(["unit", "family", "campaign_id"], dropna=False).size().reset_index(name="n"))
    counted = _commonest(paid, n_units)
    counted["true_plays"], counted["true_streams"], counted["paid_streams"] = counts.T
    counted.attrs["rows_outside"] = outside
    return counted


def _commonest(paid: list[pd.DataFrame], n_units: int) -> pd.DataFrame:
    """Return (family, campaign_id) by unit: those of most paid-for streams, the first by name in a tie."""
    commonest = pd.DataFrame({"family": HONEST, "campaign_id": None}, index=range(n_units), dtype=object)
    if paid:
        keys = ["unit", "family", "campaign_id"]
        counts = pd.concat(paid).groupby(keys, dropna=False)["n"].sum().reset_index()
        top = counts.sort_values(["n", "family", "campaign_id"], ascending=[False, True, True])
        top = top.drop_duplicates("unit").set_index("unit")
        commonest.loc[top.index, ["family", "campaign_id"]] = top[["family", "campaign_id"]].to_numpy(dtype=object)
    return commonest
