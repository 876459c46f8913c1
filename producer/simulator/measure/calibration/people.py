"""Do real people lie inside what simulated honest accounts do? Their medians against the accounts' medians.

`people.csv` has the quantiles (p5, p50, p95) of four real listeners' sessions and user-days: P1, P2 and P4 from a basic
personal export of a streaming service (times to the minute, no reasons and no devices; 230, 363 and 345 days), P3 from
an extended one (101 days). Only quantiles are kept, no name, date or track; the histories are not in the repository, so
the numbers cannot be computed again from it.
P2 listens ten hours a day, half of it at night; P4 plays 145 tracks a day and skips most; P3 hears one artist for
weeks.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from producer.simulator.measure.calibration.acceptance import Line
from producer.simulator.measure.calibration.account_history import History, day_history, session_history
from producer.simulator.measure.calibration.days import Plays
from runtime.arrays import Floats
from runtime.units import SECOND_MS

PEOPLE_FILE = Path(__file__).with_name("people.csv")
QUANTILES = (1, 99)
LEAST_INSIDE = 0.95
LEAST_UNITS = 10
"""Fewest sessions or user-days in which an account's median is worth a number."""


HEAVY: dict[str, dict[str, tuple[float, float]]] = {
    "session": {"plays": (20, np.inf), "streams": (14, np.inf)},
    "user-day": {"plays_day": (200, 650), "hours": (8, 14), "night_share": (0.15, 0.6), "artist_hhi": (0.02, 0.2)},
}
"""What an account's medians are at once where a person listens ten hours a day, half of it at night, to many artists
and to the end of most tracks: features that are each within range say nothing of a listener who has all of them."""
LEAST_HEAVY = 0.003
"""Share of accounts: a choice. Such people are rare, and a model must have seen some."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A person's median of one feature, and the 1st and 99th percentile of simulated accounts' medians."""

    unit: str
    feature: str
    person: str
    median: float
    low: float
    high: float

    @property
    def is_inside(self) -> bool:
        return bool(self.low <= self.median <= self.high)


def histories(plays: Plays) -> dict[str, History]:
    """Return sessions and user-days of accounts, by unit.

    Times are cut to the second, as an export has them: that alone makes plays overlap.
    """
    plays = plays | {name: plays[name] // SECOND_MS * SECOND_MS for name in ("time", "local")}
    return {"session": session_history(plays), "user-day": day_history(plays)}


def compare_people(of_unit: Mapping[str, History], path: Path = PEOPLE_FILE) -> list[Comparison]:
    """Compare every person with the accounts of a world without bots (`histories`), feature by feature."""
    medians = {unit: account_medians(history) for unit, history in of_unit.items()}
    ranges = {(unit, name): _range(values) for unit, of in medians.items() for name, values in of.items()}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Comparison(unit, name, row["person"], float(row["p50"]), *ranges[unit, name])
        for row in rows
        for unit, name in [(row["unit"], row["feature"])]
    ]


def _range(values: Floats) -> tuple[float, float]:
    """Return the 1st and 99th percentile of the known values; NaN where nothing is known."""
    known = values[~np.isnan(values)]
    low, high = np.percentile(known, QUANTILES) if len(known) else (np.nan, np.nan)
    return float(low), float(high)


def account_medians(history: History) -> dict[str, Floats]:
    """Return each account's median of every feature; NaN for an account with too few units of it."""
    return {name: _median_by(history.user, values) for name, values in history.features.items()}


def _median_by(user: NDArray[np.int64], values: Floats) -> Floats:
    known = ~np.isnan(values)
    user, values = user[known], values[known]
    order = np.lexsort((values, user))
    _, first, count = np.unique(user[order], return_index=True, return_counts=True)
    low, high = values[order][first + (count - 1) // 2], values[order][first + count // 2]
    return np.where(count >= LEAST_UNITS, (low + high) / 2, np.nan)


def heavy_line(of_unit: Mapping[str, History]) -> Line:
    """Return the line of accounts that are HEAVY in every feature at once, as a share of those with enough days."""
    heavy: set[int] | None = None
    for unit, bounds in HEAVY.items():
        history = of_unit[unit]
        for name, (low, high) in bounds.items():
            values = history.features[name]
            users = np.unique(history.user[~np.isnan(values)])
            medians = _median_by(history.user, values)
            within = set(users[(medians >= low) & (medians <= high)].tolist())
            heavy = within if heavy is None else heavy & within
    accounts = int((_median_by(of_unit["user-day"].user, of_unit["user-day"].features["plays_day"]) >= 0).sum())
    share = len(heavy or ()) / max(accounts, 1)
    return Line(
        "accounts heavy in all features at once", f"at least {LEAST_HEAVY:g} of {accounts:,}", share, LEAST_HEAVY, 1
    )


def people_lines(comparisons: list[Comparison]) -> Iterator[Line]:
    """Yield a line for each person and unit: the share of features in which the person lies inside."""
    for unit, person in dict.fromkeys((c.unit, c.person) for c in comparisons):
        own = [c for c in comparisons if (c.unit, c.person) == (unit, person)]
        inside = sum(c.is_inside for c in own) / len(own)
        name = f"{person}: features of {unit}s inside"
        yield Line(name, f"at least {LEAST_INSIDE:g} of {len(own)}", inside, LEAST_INSIDE, 1)
