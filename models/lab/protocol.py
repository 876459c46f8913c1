"""The protocol: what may be trained on, what is tested on, and where thresholds come from (docs/studies/lab.md).

Prequential: train a week, wait a week (labels come late), test a week, slide by a week; 28 days of history come before.
Beside time, account and campaign are split: the groups are dealt into parts, and a part is tested by what was trained
on the others. No account, campaign or day is in both, so accounts known as fraudulent in training are never tested.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.lab.days import UserDays
from runtime.arrays import Bools, Floats, Ints

WEEK = 7
GAP_DAYS = 7
HISTORY_DAYS = 28
FALSE_ALARMS = 0.001
"""The working point of the study: one honest account-day in a thousand is flagged."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to train on and to test on. `trusted`: days of the trusted honest cohort up to the end of training."""

    week: int
    part: int
    train: Ints
    trusted: Ints
    test: Ints


def parts_of(frame: pd.DataFrame, parts: int, rng: np.random.Generator) -> Ints:
    """Deal groups out to `parts`, within each family and cohort; return each row's part.

    `frame` has group, family and cohort; a group's kind is its rarest.
    """
    kind = frame["family"].where(frame["family"] != HONEST).fillna(frame["cohort"]).fillna(HONEST)
    pairs = pd.DataFrame({"group": frame["group"], "kind": kind}).drop_duplicates()
    pairs["size"] = pairs.groupby("kind")["group"].transform("size")
    kinds = pairs.sort_values(["size", "kind", "group"]).drop_duplicates("group").sort_values("group")
    part = pd.Series(0, index=kinds["group"].to_numpy())
    for _, members in kinds.groupby("kind"):
        part[members["group"].to_numpy()] = (rng.permutation(len(members)) + rng.integers(parts)) % parts
    return np.asarray(frame["group"].map(part), dtype=np.int64)


def folds(days: UserDays, parts: int, rng: np.random.Generator, history: int = HISTORY_DAYS) -> Iterator[Fold]:
    """Yield the folds of a table: for each week that fits, one for each part of the accounts."""
    day = days.frame["day"].to_numpy(dtype=np.int64)
    part = parts_of(days.frame, parts, rng)
    is_trusted = days.frame["is_trusted"].to_numpy(dtype=bool)
    known = ~np.isnan(days.label)
    first, last = int(day.min()), int(day.max())
    begins = range(first + history, last - (2 * WEEK + GAP_DAYS) + 2, WEEK)
    for week, begin in enumerate(begins):
        trains = (day >= begin) & (day < begin + WEEK) & known
        tests = (day >= begin + WEEK + GAP_DAYS) & (day < begin + 2 * WEEK + GAP_DAYS)
        for number in range(parts):
            is_test = part == number
            yield Fold(
                week,
                number,
                np.flatnonzero(trains & ~is_test),
                np.flatnonzero(is_trusted & ~is_test & (day < begin + WEEK)),
                np.flatnonzero(tests & is_test),
            )


def without(days: UserDays, rows: Ints, families: tuple[str, ...]) -> Ints:
    """Take families out of training rows: their positive days."""
    return rows[~np.isin(days.family[rows], families)]


def threshold(honest: Floats, false_alarms: float = FALSE_ALARMS) -> float:
    """Return the lowest threshold over which at most this share of honest training scores lies.

    >>> threshold(np.arange(10.0), 0.2) > 7, threshold(np.arange(10.0), 0.2) <= 8
    (True, True)
    """
    if not len(honest):
        return np.inf
    allowed = int(np.floor(false_alarms * len(honest) + 1e-9))
    return float(np.nextafter(np.sort(honest)[::-1][min(allowed, len(honest) - 1)], np.inf))


def halves(days: UserDays, rng: np.random.Generator, parts: int = 2) -> list[tuple[Bools, Bools]]:
    """Split training rows again, by group, for out-of-fold scores: (fit on, score), as masks."""
    part = parts_of(days.frame, parts, rng)
    return [(part != number, part == number) for number in range(parts)]
