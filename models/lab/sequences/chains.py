"""Markov chains of visible and of hidden states: how unlikely a sequence is, alone or against the chains of fraud."""

from collections.abc import Callable

import numpy as np

from models.lab.sequences.table import PAD, Sequences
from runtime.arrays import Floats

SMOOTHING = 0.5
"""Added to each pair of actions (Jeffreys), as in the lab's other chain."""
HIDDEN = 4
"""Hidden states: a choice."""
ITERATIONS = 15
MAX_FIT = 1_500
"""Sequences that a hidden Markov model is fitted on at most."""
RARE = 1e-6
"""Chance of an action that a hidden state never made in training."""

Likelihood = Callable[[Sequences], Floats]
"""Sequences to their log-likelihoods."""
Scorer = Callable[[Sequences], Floats]
"""Sequences to scores, higher is more suspicious."""
Fit = Callable[[Sequences, np.random.Generator], Scorer]


def markov_likelihood(sequences: Sequences, rng: np.random.Generator) -> Likelihood:
    """Fit a chain of first order; the pad is a state, so that the end counts."""
    n = sequences.n_actions + 1
    before, after = _pairs(sequences)
    counts = np.full((n, n), SMOOTHING)
    np.add.at(counts, (before, after), 1)
    step = np.log(counts / counts.sum(axis=1, keepdims=True))

    def likelihood(rows: Sequences) -> Floats:
        codes = _with_edges(rows)
        counted = (codes[:, :-1] != PAD) | (np.arange(codes.shape[1] - 1) == 0)
        return np.where(counted, step[codes[:, :-1], codes[:, 1:]], 0.0).sum(axis=1)

    return likelihood


def _with_edges(rows: Sequences) -> np.ndarray:
    """Return the codes with a pad before and after: what comes first and how it ends are steps too."""
    return np.pad(rows.codes, ((0, 0), (1, 1)))


def _pairs(rows: Sequences) -> tuple[np.ndarray, np.ndarray]:
    codes = _with_edges(rows)
    counted = (codes[:, :-1] != PAD) | (np.arange(codes.shape[1] - 1) == 0)
    return codes[:, :-1][counted], codes[:, 1:][counted]


def hidden_markov_likelihood(sequences: Sequences, rng: np.random.Generator) -> Likelihood:
    """Fit a hidden Markov model (hmmlearn, Baum-Welch) of HIDDEN states."""
    from hmmlearn.hmm import CategoricalHMM  # noqa: PLC0415 - an optional package

    rows = rng.permutation(len(sequences))[:MAX_FIT]
    some = sequences.take(np.sort(rows))
    emitted = some.codes[some.codes != PAD].astype(np.int64)[:, None] - 1
    model = CategoricalHMM(
        HIDDEN, n_features=sequences.n_actions, n_iter=ITERATIONS, tol=1e-3, random_state=int(rng.integers(2**31))
    )
    model.fit(emitted, some.length)
    start, step = np.asarray(model.startprob_), np.asarray(model.transmat_)
    emission = np.asarray(model.emissionprob_) + RARE
    emission /= emission.sum(axis=1, keepdims=True)
    return lambda tested: forward(tested, start, step, emission)


def forward(rows: Sequences, start: Floats, step: Floats, emission: Floats) -> Floats:
    """Return log-likelihoods under a hidden Markov model, for all sequences at once (Rabiner 1989, scaled)."""
    belief = np.broadcast_to(start, (len(rows), len(start)))
    total = np.zeros(len(rows))
    for place in range(rows.codes.shape[1]):
        code = rows.codes[:, place]
        alive = code != PAD
        made = belief * emission[:, np.maximum(code, 1) - 1].T
        scale = np.maximum(made.sum(axis=1), 1e-300)
        total += np.where(alive, np.log(scale), 0.0)
        belief = np.where(alive[:, None], (made / scale[:, None]) @ step, belief)
    return total


def surprise(fit: Callable[[Sequences, np.random.Generator], Likelihood]) -> Fit:
    """Make a detector without labels: how unlikely an action of the sequence is on average."""

    def fitted(train: Sequences, rng: np.random.Generator) -> Scorer:
        likelihood = fit(train, rng)
        return lambda rows: -likelihood(rows) / np.maximum(rows.length, 1)

    return fitted


def ratio(fit: Callable[[Sequences, np.random.Generator], Likelihood]) -> Fit:
    """Make a detector with labels: how much likelier the sequence is under fraud than under honest sessions."""

    def fitted(train: Sequences, rng: np.random.Generator) -> Scorer:
        fraud = fit(train.take(np.flatnonzero(train.label == 1)), rng)
        honest = fit(train.take(np.flatnonzero(train.label == 0)), rng)
        return lambda rows: fraud(rows) - honest(rows)

    return fitted
