"""Draw the sessions of a log: who is who, which sessions are fraudulent, and the states that each visits."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.draws import Purpose, stream
from producer.simulator.listeners.chain import END, START, Chain, walk
from producer.simulator.session_log.settings import SessionLogScenario
from runtime.arrays import Bools, Ints


@dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences of states, one after another: sequence i is `state[first[i]:first[i + 1]]`, start and end included."""

    state: NDArray[np.uint8]
    first: Ints

    def __len__(self) -> int:
        return len(self.first) - 1


@dataclass(frozen=True, slots=True)
class SessionLog:
    """A drawn log: arrays by session, in order of user, day and session."""

    user: Ints
    day: Ints
    number: Ints
    """The session's place among its user's."""
    sequences: Sequences
    role: Ints
    """The user's role, by its place in the scenario."""
    is_bad_user: Bools
    fraud: Ints
    """0 for an honest session, else 1 + the place of its kind of fraud in the scenario."""


def walk_sequences(chains: list[Chain], role: Ints, rng: Generator) -> Sequences:
    """Walk one sequence for each element of `role`, by the chain of that place."""
    states = chains[0].states
    walker, state, step = walk(chains, role.astype(np.uint8), rng)
    length = np.bincount(walker, minlength=len(role)) + 2
    first = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
    sequence = np.full(int(first[-1]), states.index(END), dtype=np.uint8)
    sequence[first[:-1]] = states.index(START)
    sequence[first[walker] + 1 + step] = state
    return Sequences(sequence, first)


def draw_log(scenario: SessionLogScenario) -> SessionLog:
    """Draw all sessions of a scenario."""
    rng = stream(scenario.seed, Purpose.SESSION_LOG)
    per_user = scenario.days * scenario.sessions_per_day
    n = scenario.users * per_user
    role = rng.choice(len(scenario.roles), scenario.users, p=_normalised(scenario.roles.values()))
    is_bad_user = rng.random(scenario.users) < scenario.bad_user
    is_fraud = np.repeat(is_bad_user, per_user) & (rng.random(n) < scenario.bad_session)
    kind = rng.choice(len(scenario.fraud), n, p=_normalised(scenario.fraud.values()))
    fraud = np.where(is_fraud, 1 + kind, 0)
    chain = np.where(is_fraud, len(scenario.roles) + kind, np.repeat(role, per_user))
    number = np.tile(np.arange(per_user), scenario.users)
    return SessionLog(
        user=np.repeat(np.arange(scenario.users), per_user),
        day=number // scenario.sessions_per_day,
        number=number,
        sequences=walk_sequences(list(scenario.chains.values()), chain, rng),
        role=np.repeat(role, per_user),
        is_bad_user=np.repeat(is_bad_user, per_user),
        fraud=fraud,
    )


def _normalised(shares: object) -> NDArray[np.float64]:
    weights = np.array(list(shares), dtype=np.float64)  # type: ignore[call-overload]
    return weights / weights.sum()
