"""The adversary's search: random ways first, then small changes to the best one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.adversary.dials import Params, Positions, Space
from models.adversary.outcome import Outcome

RANDOM_SHARE = 0.35
"""Share of the evaluations that are drawn at random; the others change the best one: a choice."""
STEPS = (0.25, 0.06)
"""Size of a change at the beginning and at the end of the search, as a share of a dial's range: a choice."""
Evaluate = Callable[[Params], tuple[Params, Outcome] | None]
"""Runs a family with some parameters, its volume set so that the budget is delivered; None where it cannot be."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run a family, and what came of it."""

    positions: Positions
    params: Params
    outcome: Outcome


def search(
    space: Space, evaluate: Evaluate, rng: np.random.Generator, evaluations: int, starts: Sequence[Candidate] = ()
) -> tuple[Candidate | None, int]:
    """Return the candidate with the lowest cost, and the number of evaluations; None where nothing delivers.

    `starts` were evaluated before and deliver the budget. The search ends early where no account is flagged.
    """
    best = min(starts, key=lambda candidate: candidate.outcome.cost, default=None)
    n_random = round(RANDOM_SHARE * evaluations)
    for number in range(evaluations):
        if best is not None and best.outcome.flagged_28 == 0:
            return best, number
        if number < n_random or best is None:
            positions = space.draw(rng)
        else:
            done = (number - n_random) / max(evaluations - n_random - 1, 1)
            positions = space.perturb(best.positions, STEPS[0] + (STEPS[1] - STEPS[0]) * done, rng)
        evaluated = evaluate(space.params(positions))
        if evaluated is None:
            continue
        candidate = Candidate(positions, *evaluated)
        if best is None or candidate.outcome.cost < best.outcome.cost:
            best = candidate
    return best, evaluations
