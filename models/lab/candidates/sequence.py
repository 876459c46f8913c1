"""Models of the order of actions: a Markov log-likelihood ratio, and trees on the same counts."""

import numpy as np
from numpy.typing import NDArray

from models.lab.candidates.candidate import Candidate, Scorer
from models.lab.candidates.supervised import boosted_trees
from models.lab.days import UserDays
from runtime.arrays import Floats

SMOOTHING = 0.5
"""Added to each pair of actions (Jeffreys): a pair that training never saw is rare, not impossible."""


def markov(days: UserDays, rng: np.random.Generator) -> Scorer:
    """Score [log P(actions given bot chain) − log P(given honest chain)] ÷ n; 0 for a day without two actions."""
    ratio = _log_chain(days.bigrams[days.label == 1]) - _log_chain(days.bigrams[days.label == 0])

    def score(rows: UserDays) -> Floats:
        return (rows.bigrams @ ratio) / np.maximum(rows.bigrams.sum(axis=1), 1)

    return score


def _log_chain(bigrams: NDArray[np.float32]) -> Floats:
    """Return log P(next | this) of summed counts, flat as the columns are."""
    pairs = bigrams.shape[1]
    actions = round(pairs**0.5)
    counts = bigrams.sum(axis=0).reshape(actions, actions) + SMOOTHING
    return np.log(counts / counts.sum(axis=1, keepdims=True)).ravel()


def sequence_trees(days: UserDays, rng: np.random.Generator) -> Scorer:
    model = boosted_trees(_shares(days), days.label, int(rng.integers(2**31)))
    return lambda rows: model.predict_proba(_shares(rows))[:, 1].astype(np.float64)


def _shares(days: UserDays) -> Floats:
    """Shares of pairs, so that volume tells nothing."""
    return days.bigrams / np.maximum(days.bigrams.sum(axis=1, keepdims=True), 1)


SEQUENCE = (
    Candidate("markov_llr", "supervised", "Markov log-likelihood ratio of action sequences", markov),
    Candidate("sequence_only", "supervised", "XGBoost on shares of action pairs", sequence_trees),
)
