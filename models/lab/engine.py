"""Run candidates on a fold: fit, score out of fold for the threshold and the fusions, score the test rows."""

from dataclasses import dataclass
from time import process_time
from zlib import crc32

import numpy as np

from models.lab.candidates import CANDIDATES
from models.lab.candidates.candidate import Candidate, Scorer
from models.lab.candidates.fusion import FUSIONS, Fusion, as_evidence
from models.lab.days import UserDays
from models.lab.protocol import Fold, halves, threshold, without
from runtime.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class FoldScores:
    """What a technique made of a fold. Training scores are of rows it was not fitted on."""

    train: Floats
    """NaN for training rows that it was fitted on."""
    test: Floats
    fitted_on: int
    fit_cpu_s: float
    score_cpu_s: float
    """Of the test rows."""

    def threshold(self, label: Floats) -> float:
        """Return the working point, from honest training rows alone."""
        honest = self.train[label == 0]
        return threshold(honest[~np.isnan(honest)])


def source(seed: int, fold: Fold, name: str, *what: str) -> np.random.Generator:
    """Return the randomness of one fit: it does not depend on what else is run."""
    return np.random.default_rng([seed, fold.week, fold.part, crc32("/".join((name, *what)).encode())])


def run(
    candidate: Candidate, days: UserDays, fold: Fold, train: Ints, seed: int, left_out: tuple[str, ...]
) -> FoldScores:
    """Fit a candidate on what its kind may see of a fold and score it. `train` are the fold's rows less `left_out`."""
    rng = source(seed, fold, candidate.name, *left_out)
    test, labelled = days.take(fold.test), days.take(train)
    if candidate.kind == "honest":
        scorer, rows, fit_s = _fit(candidate, days, fold.trusted, rng)
        scores = scorer(labelled)
        scores[np.isin(train, fold.trusted)] = np.nan
    elif candidate.learns_from_bots:
        scores = np.empty(len(train))
        for fitted_on, held_out in halves(labelled, rng):
            half, _, _ = _fit(candidate, days, train[fitted_on], rng)
            scores[held_out] = half(days.take(train[held_out]))
        scorer, rows, fit_s = _fit(candidate, days, train, rng)
    else:
        scorer, rows, fit_s = _fit(candidate, days, train, rng)
        scores = scorer(labelled)
    began = process_time()
    tested = scorer(test)
    return FoldScores(scores, tested, rows, fit_s, process_time() - began)


def _fit(candidate: Candidate, days: UserDays, rows: Ints, rng: np.random.Generator) -> tuple[Scorer, int, float]:
    if candidate.max_rows is not None and len(rows) > candidate.max_rows:
        rows = np.sort(rng.choice(rows, candidate.max_rows, replace=False))
    began = process_time()
    scorer = candidate.fit(days.take(rows), rng)
    return scorer, len(rows), process_time() - began


def fuse(fusion: Fusion, done: dict[str, FoldScores], days: UserDays, fold: Fold, train: Ints, seed: int) -> FoldScores:
    """Combine finished candidates of a fold; the combination is cross-fitted by account like everything else."""
    names = [name for name in fusion.reads if name in done]
    rng = source(seed, fold, fusion.name)
    evidence, tested = (
        np.column_stack([as_evidence(getattr(done[n], side), CANDIDATES[n].learns_from_bots) for n in names])
        for side in ("train", "test")
    )
    # a row that some technique was fitted on has no honest score of it; the days of the trusted cohort fall away
    known = ~np.isnan(evidence).any(axis=1)
    labelled = days.take(train)
    label = labelled.label
    number = int(rng.integers(2**31))
    scores = np.full(len(train), np.nan)
    for fitted_on, held_out in halves(labelled, rng):
        fit_rows, rows = fitted_on & known, held_out & known
        scores[rows] = fusion.combine(evidence[fit_rows], label[fit_rows], evidence[rows], number)
    began = process_time()
    final = fusion.combine(evidence[known], label[known], tested, number)
    spent = process_time() - began
    below = sum(done[n].score_cpu_s for n in names)
    return FoldScores(scores, final, int(known.sum()), sum(done[n].fit_cpu_s for n in names) + spent, below + spent)


def run_fold(
    days: UserDays,
    fold: Fold,
    candidates: tuple[Candidate, ...],
    seed: int,
    left_out: tuple[str, ...] = (),
    done: dict[str, FoldScores] | None = None,
    fusions: tuple[Fusion, ...] = tuple(FUSIONS.values()),
) -> tuple[Ints, dict[str, FoldScores]]:
    """Run candidates and fusions; return the training rows and each one's outcome.

    With families left out, what learns from no bot is taken over from `done`, the run that left none out.
    """
    train = without(days, fold.train, left_out)
    outcomes: dict[str, FoldScores] = {}
    for candidate in candidates:
        if left_out and done is not None and not candidate.learns_from_bots:
            outcomes[candidate.name] = _less(done[candidate.name], np.isin(fold.train, train))
        else:
            outcomes[candidate.name] = run(candidate, days, fold, train, seed, left_out)
    for fusion in fusions:
        if sum(name in outcomes for name in fusion.reads) > 1:
            outcomes[fusion.name] = fuse(fusion, outcomes, days, fold, train, seed)
    return train, outcomes


def _less(outcome: FoldScores, mask: np.ndarray) -> FoldScores:
    return FoldScores(outcome.train[mask], outcome.test, outcome.fitted_on, outcome.fit_cpu_s, outcome.score_cpu_s)
