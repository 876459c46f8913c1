"""Other worlds, of other seeds or difficulties: is the ranking the same there, what is training here worth there?"""

import numpy as np

from contracts.labels import FAMILIES
from models.lab.candidates import CANDIDATES, Candidate
from models.lab.days import UserDays, join
from models.lab.engine import run_fold
from models.lab.measures import RESAMPLES
from models.lab.protocol import HISTORY_DAYS, WEEK, Fold, folds
from models.lab.study import StudyResults
from models.lab.totals import ResampledDays, TechniqueTotals

SHIFTED = "shifted"


def shifted(
    here: UserDays,
    there: UserDays,
    *,
    seed: int,
    history: int = HISTORY_DAYS,
    draws: int = RESAMPLES,
    candidates: tuple[Candidate, ...] = tuple(CANDIDATES.values()),
) -> StudyResults:
    """Train on a whole week of one world and test on the last week of another, whose bots have other parameters."""
    rng = np.random.default_rng(seed)
    both = join(here, there)
    tested = list(folds(there, 1, rng, history))[-1].test + len(here)
    own = here.frame["day"].to_numpy(dtype=np.int64)
    begin = int(own.min()) + history
    train = np.flatnonzero((own >= begin) & (own < begin + WEEK) & ~np.isnan(here.label))
    trusted = np.flatnonzero(here.frame["is_trusted"].to_numpy(dtype=bool) & (own < begin + WEEK))
    fold = Fold(0, 0, train, trusted, tested)
    sample = ResampledDays.of(both, rng, draws)
    _, outcomes = run_fold(both, fold, candidates, seed)
    results = StudyResults()
    totals_by_technique: dict[str, TechniqueTotals] = {}
    for name, outcome in outcomes.items():
        totals = totals_by_technique.setdefault(name, TechniqueTotals())
        totals.add(sample, fold, outcome, outcome.threshold(both.label[train]), tuple(FAMILIES))
    results.add_totals(SHIFTED, totals_by_technique)
    return results
