"""A small public reference, kept for comparison: a Markov chain of sessions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.draws import uniform
from producer.simulator.listeners.chain import Chain, walk
from runtime.arrays import Floats

_STATES = ("start", "end", "a1", "a2", "a3", "a4", "a5")
_END = (1.0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SmallReference:
    """Users of two roles; each session of a bad user is bad with a chance (two-level fraud)."""

    chains: Mapping[str, Chain]
    role_shares: tuple[float, float] = (0.8, 0.2)
    users: int = 200
    sessions_per_user: int = 200
    bad_user: float = 0.02
    bad_session: float = 0.2


def _chain(*rows: tuple[float, ...]) -> Chain:
    start, *rest = rows
    return Chain(_STATES, np.array([start, _END, *rest], dtype=float))


MARKOV_SMALL = SmallReference(
    {
        "role 1": _chain(
            (0, 0, 0.2, 0.2, 0.2, 0.2, 0.2), (0, 0.01, 0.09, 0.30, 0.30, 0.15, 0.15),
            (0, 0.60, 0.05, 0.10, 0.05, 0.05, 0.15), (0, 0.50, 0.05, 0.25, 0.05, 0.10, 0.05),
            (0, 0.60, 0.01, 0.10, 0.10, 0.10, 0.09), (0, 0.60, 0.09, 0.10, 0.10, 0.10, 0.01),
        ),
        "role 2": _chain(
            (0, 0, 0.2, 0.1, 0.1, 0.3, 0.3), (0, 0.10, 0.20, 0.20, 0.20, 0.10, 0.20),
            (0, 0.70, 0.05, 0.05, 0.05, 0.05, 0.10), (0, 0.70, 0.05, 0.05, 0.05, 0.10, 0.05),
            (0, 0.50, 0.01, 0.01, 0.01, 0.10, 0.37), (0, 0.60, 0.09, 0.10, 0.10, 0.10, 0.01),
        ),
        "fraud": _chain(
            (0, 0, 1, 0, 0, 0, 0), (0, 0.20, 0.70, 0.025, 0.025, 0.025, 0.025),
            (0, 0.40, 0.40, 0.05, 0.05, 0.05, 0.05), (0, 0.40, 0.40, 0.05, 0.05, 0.05, 0.05),
            (0, 0.50, 0.01, 0.01, 0.01, 0.10, 0.37), (0, 0.60, 0.09, 0.10, 0.10, 0.10, 0.01),
        ),
    }
)  # fmt: skip
"""A small public Markov chain; one public run of it gave 111 fraudulent sessions of 40,000
(docs/reference/published-numbers.md#the-small-reference)."""


@dataclass(frozen=True, slots=True)
class SmallSessions:
    """Sessions of the small reference: `actions[i]` is the i-th visited state, of session `session[i]`."""

    is_bad: NDArray[np.bool_]
    session: NDArray[np.int64]
    actions: NDArray[np.uint8]


def small_sessions(reference: SmallReference, rng: Generator) -> SmallSessions:
    """Draw all sessions of the reference."""
    n = reference.users * reference.sessions_per_user
    bad_users = uniform(rng, reference.users) < reference.bad_user
    is_bad = np.repeat(bad_users, reference.sessions_per_user) & (uniform(rng, n) < reference.bad_session)
    is_second = np.repeat(uniform(rng, reference.users) >= reference.role_shares[0], reference.sessions_per_user)
    role = np.where(is_bad, 2, is_second).astype(np.uint8)
    session, actions, _ = walk(list(reference.chains.values()), role, rng)
    return SmallSessions(is_bad, session, actions)


def log_likelihood_ratio(reference: SmallReference, sessions: SmallSessions) -> Floats:
    """Return the log-likelihood of fraud against the mix of honest roles, by session: the best score there is."""
    order = np.argsort(sessions.session, kind="stable")
    session, state = sessions.session[order], sessions.actions[order].astype(np.int64)
    n = len(sessions.is_bad)
    is_first = np.diff(session, prepend=-1) != 0
    before = np.where(is_first, 0, np.concatenate(([0], state[:-1])))
    is_last = np.diff(session, append=-1) != 0
    found = []
    for chain in reference.chains.values():
        with np.errstate(divide="ignore"):
            step = np.log(chain.matrix)
        total = np.bincount(session, step[before, state], n) + np.bincount(session[is_last], step[state[is_last], 1], n)
        found.append(total)
    honest = np.logaddexp(found[0] + np.log(reference.role_shares[0]), found[1] + np.log(reference.role_shares[1]))
    return found[2] - honest
