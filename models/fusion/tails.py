"""How rare a detector's score is among honest account-days: the scale on which detectors can be compared.

A score becomes −log10 of the share of honest account-days that are at least as high: 3 is one in a thousand, of any
detector. So a detector whose scores spread widely does not outvote one whose scores lie close together.
"""

from dataclasses import dataclass

import numpy as np

from models.errors import ModelError
from runtime.arrays import Bools, Floats

MAX_TAIL = 5.0
"""Evidence beyond which nothing grows: one in 100,000, more than the honest account-days of a world can tell."""
EDGE = 0.99
"""Quantile of the honest scores above which a tail is extrapolated as an exponential."""
STEP = 1e-3
"""Log-odds above a score that most have, where the evidence of the few above it begins."""
LEVELS = (0.25, 0.5, 0.75, 0.9, 0.95, 0.98, EDGE)


@dataclass(frozen=True, slots=True)
class Tail:
    """Evidence by score: straight lines between the points, and one of slope `slope` above the last."""

    scores: tuple[float, ...]
    """Ascending."""
    evidence: tuple[float, ...]
    slope: float

    def of(self, scores: Floats) -> Floats:
        """Return the evidence of scores, from 0 to MAX_TAIL; NaN where a score is unknown."""
        points, evidence = np.array(self.scores), np.array(self.evidence)
        beyond = evidence[-1] + self.slope * (scores - points[-1])
        return np.minimum(np.where(scores > points[-1], beyond, np.interp(scores, points, evidence)), MAX_TAIL)


def fit_tail(honest: Floats) -> Tail:
    """Fit the tail of the scores of honest account-days; unknown ones take no part. Raises ModelError without any.

    >>> tail = fit_tail(np.linspace(0, 1, 10001))
    >>> tail.of(np.array([-1.0, 0.5, 0.9, 0.99])).round(2).tolist()
    [0.0, 0.3, 1.0, 2.0]
    """
    known = np.sort(honest[~np.isnan(honest)])
    if not len(known):
        raise ModelError("no honest account-day has a score: evidence cannot be compared with any")
    points = np.unique(np.append(known[0], np.quantile(known, LEVELS, method="lower")))
    as_high = len(known) - np.searchsorted(known, points, side="left")
    edge = points[-1]
    above = known[known > edge]
    # a score that most share (no group) is no evidence; the few above it begin at their own share
    step = len(known) / max(len(above), 1)
    slope = 1 / (max(float((above - edge).mean()), 1e-9) * np.log(10)) if len(above) else 0.0
    scores, evidence = points.tolist(), np.log10(len(known) / as_high).tolist()
    if len(above) and np.log10(step) > evidence[-1]:
        scores.append(float(edge) + STEP)
        evidence.append(float(np.log10(step)))
    return Tail(tuple(scores), tuple(evidence), slope)


def rounded(tail: Tail) -> Tail:
    """Return a tail in four decimals, as an artefact keeps it."""
    return Tail(
        tuple(round(score, 4) for score in tail.scores), tuple(round(e, 4) for e in tail.evidence), round(tail.slope, 4)
    )


def tail_evidence(score: Floats, is_reference: Bools) -> Floats:
    """Return the evidence of scores among reference scores; 0 where a score is unknown.

    >>> reference = np.linspace(0, 1, 1001)
    >>> tail_evidence(reference, np.ones(1001, dtype=bool))[[0, 500, 900]].round(2).tolist()
    [0.0, 0.3, 1.0]
    """
    reference = score[is_reference & ~np.isnan(score)]
    return np.zeros(len(score)) if not len(reference) else np.nan_to_num(fit_tail(reference).of(score))


def by_rank(evidence: Floats) -> Floats:
    """Sort the evidence of each row, the strongest first; what is unknown comes last, as 0.

    >>> by_rank(np.array([[0.3, np.nan, 4.0]])).tolist()
    [[4.0, 0.3, 0.0]]
    """
    return -np.sort(-np.nan_to_num(evidence), axis=1)
