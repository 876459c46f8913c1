"""Markov chains over client actions: matrices as data, checked when built, walked by many walkers at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.errors import ProducerError
from producer.simulator.draws import Alias, uniform
from runtime.arrays import Floats

START, END = "start", "end"
ROW_SUM_TOLERANCE = 1e-9


class ChainError(ProducerError):
    """A transition matrix can't be a chain; the message names the row."""


@dataclass(frozen=True, eq=False)
class Chain:
    """A chain from `start` to `end`. `matrix[i, j]` is the probability of state j after state i.

    >>> Chain(("start", "end"), np.array([[0.0, 1.0], [1.0, 0.0]])).mean_actions
    0.0
    """

    states: tuple[str, ...]
    matrix: Floats

    def __post_init__(self) -> None:
        n = len(self.states)
        if self.matrix.shape != (n, n):
            raise ChainError(f"chain: the matrix is {self.matrix.shape}, expected {n} × {n} for states {self.states}")
        for needed in (START, END):
            if needed not in self.states:
                raise ChainError(f"chain: no state {needed!r} among {self.states}")
        for state, row in zip(self.states, self.matrix, strict=True):
            if (row < 0).any():
                raise ChainError(f"chain: row {state!r} has a negative probability {row.min():g}")
            if abs(row.sum() - 1) > ROW_SUM_TOLERANCE:
                raise ChainError(f"chain: row {state!r} sums to {row.sum():.12g}, expected 1")
        for state in self._cannot_end():
            raise ChainError(f"chain: end can't be reached from row {state!r}")

    def _cannot_end(self) -> list[str]:
        """Name the states that a walk can reach and from which it never ends."""
        step = (self.matrix > 0) | np.eye(len(self.states), dtype=bool)
        step[self.states.index(END)] = False
        step[self.states.index(END), self.states.index(END)] = True
        reach = np.linalg.matrix_power(step.astype(float), len(self.states)) > 0
        visited = reach[self.states.index(START)]
        return [s for s, ok, seen in zip(self.states, reach[:, self.states.index(END)], visited, strict=True)
                if seen and not ok]  # fmt: skip

    @property
    def mean_actions(self) -> float:
        """Expected number of states between start and end."""
        inner = [i for i, s in enumerate(self.states) if s not in (START, END)]
        if not inner:
            return 0.0
        visits = np.linalg.solve(
            np.eye(len(inner)) - self.matrix[np.ix_(inner, inner)].T, self.matrix[self.states.index(START), inner]
        )
        return float(visits.sum())

    @cached_property
    def rows(self) -> list[Alias]:
        """Draw the next state, by state."""
        return [Alias(row) for row in self.matrix]

    def walk(self, rng: Generator, n: int) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32]]:
        """Let n walkers go from start to end; return (walker, state, step) of every state between, step by step."""
        return walk([self], np.zeros(n, dtype=np.uint8), rng)


def walk(
    chains: Sequence[Chain], role: NDArray[np.uint8], rng: Generator
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32]]:
    """Walk one walker per element of `role`, each by the chain of its role; all chains share their states."""
    states = chains[0].states
    n_states, end = len(states), states.index(END)
    # one alias table for each row of each matrix: a step is one draw and two look-ups
    tables = [table for chain in chains for table in chain.rows]
    accept = np.concatenate([table.accept for table in tables])
    other = np.concatenate([table.other for table in tables]).astype(np.int64)
    walker = np.arange(len(role))
    # of each walker: where its chain's rows begin, and its own row
    first = role.astype(np.int64) * n_states
    row = first + states.index(START)
    walkers, visited, steps = [], [], []
    step = 0
    while len(walker):
        place = uniform(rng, len(walker)) * np.float32(n_states)
        state = place.astype(np.int64)
        at = row * n_states + state
        state = np.where(place - state.astype(np.float32) < accept.take(at), state, other.take(at))
        alive = np.flatnonzero(state != end)
        walker, state, first = walker.take(alive), state.take(alive), first.take(alive)
        row = first + state
        walkers.append(walker)
        visited.append(state.astype(np.uint8))
        steps.append(np.full(len(walker), step, dtype=np.int32))
        step += 1
    if not walkers:
        return np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.int32)
    return np.concatenate(walkers), np.concatenate(visited), np.concatenate(steps)


def from_rows(states: Sequence[str], rows: Mapping[str, Mapping[str, float]]) -> Chain:
    """Build a chain from sparse rows `{state: {next state: probability}}`.

    A state without a row is one the role never enters: it leads to `end`, and `end` leads back to `start`.
    """
    index = {state: i for i, state in enumerate(states)}
    matrix = np.zeros((len(states), len(states)))
    for state, row in rows.items():
        for following, probability in row.items():
            unknown = next((s for s in (state, following) if s not in index), None)
            if unknown is not None:
                raise ChainError(f"chain: row {state!r} names the unknown state {unknown!r}; known: {tuple(states)}")
            matrix[index[state], index[following]] = probability
    for state in states:
        if state not in rows:
            matrix[index[state], index[START if state == END else END]] = 1.0
    return Chain(tuple(states), matrix)
