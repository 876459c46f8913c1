"""Baselines that any technique must beat: one number of the day, or one rule."""

import numpy as np

from models.lab.candidates.candidate import Candidate, Scorer
from models.lab.days import UserDays
from runtime.arrays import Floats


def _by_column(name: str, sign: float = 1.0) -> Scorer:
    def score(days: UserDays) -> Floats:
        return np.nan_to_num(sign * days.column(name), nan=-1e9)  # what is not known is not suspicious

    return score


TRIVIAL = (
    Candidate("plays_per_day", "trivial", "plays of the day", lambda days, rng: _by_column("plays_day")),
    Candidate("one_rule", "trivial", "share of plays heard 30 to 35 s", lambda days, rng: _by_column("share_30_35")),
)
