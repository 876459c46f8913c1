"""The user-day detector as it ships: its rules, its forest, its hybrid.

They need an account's whole history, and fit (the forest) on unlabelled days before those they score, so `table`
computes their scores once over all days; here they are only read.
"""

from models.lab.candidates.candidate import Candidate, Scorer
from models.lab.days import UserDays
from runtime.arrays import Floats

RULES, FOREST, HYBRID = "score_rules", "score_forest", "score_hybrid"
"""Columns of the lab's frame."""


def _read(name: str) -> Scorer:
    def score(days: UserDays) -> Floats:
        return days.column(name)

    return score


DETECTORS = (
    Candidate("rules", "rules", "rules of two groups against own history", lambda days, rng: _read(RULES)),
    Candidate("forest", "unlabelled", "isolation forest, refitted weekly", lambda days, rng: _read(FOREST)),
    Candidate("hybrid", "unlabelled", "rules or forest, both first", lambda days, rng: _read(HYBRID)),
)
