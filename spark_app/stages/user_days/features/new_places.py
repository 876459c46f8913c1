"""Features of devices and networks that the account did not use in the 28 days before. Form: see `day`."""

import numpy as np

from contracts.user_day_features import HISTORY_DAYS
from runtime.arrays import Bools, Floats, Ints
from spark_app.stages.arrays.segments import sum_by
from spark_app.stages.user_days.day_batch import DAY_STEP, DayBatch, first_of_each
from spark_app.stages.user_days.history import history_days


def _is_new(b: DayBatch, rows: Ints, values: Ints) -> Bools:
    """Return for each of `rows` whether its value is absent from the account's 28 days before."""
    key = b.day_user[b.day[rows]] * DAY_STEP + b.day_number[b.day[rows]]
    user = b.user[rows]
    order = np.lexsort((key, values, user))
    first = first_of_each(user[order], values[order])
    same_day = ~first_of_each(user[order], values[order], key[order])
    # the day on which the account had the value before, the same for all rows of one day
    previous = np.concatenate([[0], key[order][:-1]])
    begins = ~same_day
    previous = previous[begins][np.cumsum(begins) - 1]
    is_first = first[begins][np.cumsum(begins) - 1]
    out = np.zeros(len(rows), dtype=bool)
    out[order] = is_first | (key[order] - previous > HISTORY_DAYS)
    return out


def _visits(b: DayBatch) -> tuple[Ints, Bools, Bools, Bools]:
    """Return the rows at which device or place changes within a day, and which are a new place, a new device, both."""
    changes = first_of_each(b.day, b.device, b.where)
    rows = np.flatnonzero(changes)
    is_new_place = _is_new(b, rows, b.where[rows]) & (b.where[rows] >= 0)
    is_new_device = _is_new(b, rows, b.device[rows]) & (b.device[rows] != 0)
    return rows, is_new_place, is_new_device, is_new_place & is_new_device


def _any_new(b: DayBatch, rows: Ints, is_new: Bools, known: Bools) -> Floats:
    has_new = sum_by(b.day[rows[is_new]], b.n) > 0
    return np.where((history_days(b) > 0) & (b.count(known) > 0), has_new.astype(np.float64), np.nan)


def new_device(b: DayBatch) -> Floats:
    rows, _, is_new, _ = _visits(b)
    return _any_new(b, rows, is_new, b.device != 0)


def new_network(b: DayBatch) -> Floats:
    rows, is_new, _, _ = _visits(b)
    return _any_new(b, rows, is_new, b.where >= 0)


def new_device_and_network(b: DayBatch) -> Floats:
    rows, _, _, is_new = _visits(b)
    return _any_new(b, rows, is_new, (b.device != 0) & (b.where >= 0))
