"""What a log is worth before any detector: its expected share of fraud, and the best score there is for a session.

The best score of a session is the ratio of its likelihoods under fraud and under the mix of honest roles (Neyman and
Pearson): who knows the matrices can do no better, and who learns from the log does worse.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from producer.simulator.draws import Purpose, stream
from producer.simulator.listeners.chain import Chain
from producer.simulator.session_log.sessions import Sequences, walk_sequences
from producer.simulator.session_log.settings import SessionLogScenario
from runtime.arrays import Bools, Floats

DRAWN = 50_000
"""Sessions of each kind behind the AUC that a scenario promises: its standard error is under .001."""
LOGS = 20_000
"""Logs behind the interval of their share of fraud."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a scenario promises of its logs."""

    fraud: float
    """Share of sessions that are fraudulent, and the interval in which it lies in 95 of 100 logs."""
    low: float
    high: float
    auc: float
    """Chance that a fraudulent session has a higher likelihood ratio than an honest one."""


def expect(scenario: SessionLogScenario) -> Expected:
    """Work out what a scenario promises, from its rates and matrices alone."""
    rng = stream(scenario.seed, Purpose.SESSION_LOG, 1)
    per_user = scenario.days * scenario.sessions_per_day
    bad = rng.binomial(scenario.users, scenario.bad_user, LOGS)
    share = rng.binomial(bad * per_user, scenario.bad_session) / (scenario.users * per_user)
    low, high = np.quantile(share, [0.025, 0.975])
    return Expected(scenario.expected_fraud, float(low), float(high), _expected_auc(scenario, rng))


def _expected_auc(scenario: SessionLogScenario, rng: Generator) -> float:
    roles, kinds = list(scenario.roles.values()), list(scenario.fraud.values())
    honest = rng.choice(len(roles), DRAWN, p=np.array(roles) / sum(roles))
    fraud = len(roles) + rng.choice(len(kinds), DRAWN, p=np.array(kinds) / sum(kinds))
    sequences = walk_sequences(list(scenario.chains.values()), np.concatenate([honest, fraud]), rng)
    return auc(log_likelihood_ratio(scenario, sequences), np.arange(2 * DRAWN) >= DRAWN)


def log_likelihood_ratio(scenario: SessionLogScenario, sequences: Sequences) -> Floats:
    """Return by sequence the log-likelihood under the kinds of fraud less that under the honest roles."""

    def mixed(shares: dict[str, float]) -> Floats:
        with np.errstate(divide="ignore"):  # a role without users
            parts = [np.log(share) + log_likelihood(scenario.chains[name], sequences) for name, share in shares.items()]
        return np.logaddexp.reduce(parts, axis=0)

    return mixed(dict(scenario.fraud)) - mixed(dict(scenario.roles))


def log_likelihood(chain: Chain, sequences: Sequences) -> Floats:
    """Return the log-likelihood of each sequence under a chain; minus infinity where the chain cannot make it."""
    with np.errstate(divide="ignore"):
        step = np.log(chain.matrix)
    # the step from the end of one sequence to the start of the next has probability 1
    steps = np.concatenate(([0.0], step[sequences.state[:-1], sequences.state[1:]]))
    return np.add.reduceat(steps, sequences.first[:-1]) if len(sequences) else np.empty(0)


def auc(score: Floats, is_fraud: Bools) -> float:
    """Return the chance that a fraudulent session scores higher than an honest one, ties half; NaN without either.

    >>> auc(np.array([1.0, 2.0, 2.0]), np.array([False, False, True]))
    0.75
    """
    fraud, honest = int(is_fraud.sum()), int((~is_fraud).sum())
    if not fraud or not honest:
        return float("nan")
    ordered = np.sort(score[~is_fraud])
    below = np.searchsorted(ordered, score[is_fraud], side="left")
    equal = np.searchsorted(ordered, score[is_fraud], side="right") - below
    return float((below + equal / 2).sum() / (fraud * honest))
