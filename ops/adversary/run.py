"""Search the way of each family that is noticed least, for each budget, and try the winners on other seeds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from models.adversary.dials import SPACES, Params, Space, space_of
from models.adversary.outcome import Outcome, pooled
from models.adversary.search import Candidate, search
from models.errors import ModelError
from ops.adversary.detectors import DETECTORS, Detectors
from ops.adversary.population import Population, make_population
from runtime.terminal import ReportProgress

BUDGETS = (5, 10, 25, 50, 100, 200)
"""Paid target streams per account-day."""


@dataclass(frozen=True, slots=True)
class EvasionOptions:
    """How large a search is."""

    honest: int = 150
    accounts: int = 12
    """Bot accounts of a world."""
    days: int = 28
    seed: int = 101
    evaluations: int = 8
    """Tries for each family and budget."""
    fresh: int = 2
    """Worlds of other seeds on which the winners are tried."""
    budgets: tuple[int, ...] = BUDGETS


def run_evasion(out: Path, families: Sequence[str], options: EvasionOptions, report: ReportProgress) -> dict[str, Any]:
    """Search for each family; write `out`/evasion.json and return its content. Raises ModelError, ScenarioError."""
    spaces = {family: space_of(family) for family in families}  # before the minutes that it takes
    if not spaces:
        raise ModelError(f"no family to search: the adversary knows {', '.join(SPACES)}")
    detectors = Detectors.shipped()
    results: dict[str, Any] = {
        "settings": asdict(options) | {"models": detectors.versions, "detectors": list(DETECTORS)},
        "families": {},
    }
    out.mkdir(parents=True, exist_ok=True)
    for family, space in spaces.items():
        results["families"][family] = evade(family, space, detectors, options, report)
        content = orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
        (out / "evasion.json").write_bytes(content)
    return results


def evade(
    family: str, space: Space, detectors: Detectors, options: EvasionOptions, report: ReportProgress
) -> dict[str, Any]:
    """Return the curve of a family: for each budget the winner, its outcome in the search and on fresh seeds."""
    report(f"{family}: {options.honest} honest accounts over {options.days} days")
    world = _population(family, detectors, options, options.seed)
    best: dict[int, Candidate] = {}
    curve: list[dict[str, Any]] = []
    for budget in sorted(options.budgets, reverse=True):

        def evaluate(params: Params, budget: int = budget) -> tuple[Params, Outcome] | None:
            delivered = world.deliver(params, space.volume, budget)
            return None if delivered is None else (delivered[0], world.evaluate(delivered[1]))

        rng = np.random.default_rng((options.seed, budget))
        # who delivers a larger budget delivers this one as well
        winner, tries = search(space, evaluate, rng, options.evaluations, list(best.values()))
        if winner is None:
            report(f"{family}, {budget} streams a day: not delivered by any of {tries}")
            curve.append({"budget": budget, "evaluations": tries, "params": None, "search": None, "fresh": None})
            continue
        best[budget] = winner
        report(f"{family}, {budget} streams a day: {winner.outcome.flagged_28:.0%} flagged after {tries} tries")
        curve.append(
            {"budget": budget, "evaluations": tries, "params": winner.params, "search": winner.outcome.as_dict()}
        )
    fresh = _on_fresh_seeds(family, [entry["params"] for entry in curve], detectors, options, report)
    for entry, outcome in zip(curve, fresh, strict=True):
        entry["fresh"] = None if outcome is None else outcome.as_dict()
    return {"curve": curve[::-1], "honest_flagged_28": world.honest_flagged()}


def _on_fresh_seeds(
    family: str, winners: Sequence[Params | None], detectors: Detectors, options: EvasionOptions, report: ReportProgress
) -> list[Outcome | None]:
    """Run each winner in worlds that the search did not see."""
    outcomes: list[list[Outcome]] = [[] for _ in winners]
    for number in range(1, options.fresh + 1):
        report(f"{family}: the winners in world {number} of {options.fresh} that the search did not see")
        world = _population(family, detectors, options, options.seed + 1000 * number)
        known: dict[tuple[tuple[str, float], ...], Outcome] = {}
        for params, results in zip(winners, outcomes, strict=True):
            if params is None:
                continue
            key = tuple(sorted(params.items()))
            if key not in known:  # one winner may serve several budgets
                known[key] = world.evaluate(world.simulate(params))
            results.append(known[key])
    return [pooled(results) if results else None for results in outcomes]


def _population(family: str, detectors: Detectors, options: EvasionOptions, seed: int) -> Population:
    return make_population(family, options.honest, options.accounts, options.days, seed, detectors)
