"""A simulated world in memory: its plan, and its rows by topic with truth."""

from dataclasses import replace
from functools import cache

import numpy as np

from contracts.events import ACTIVITY, PLAYS
from producer.simulator.block import make_block
from producer.simulator.bots import FAMILY_NAMES
from producer.simulator.listeners.activity import load_chains
from producer.simulator.plan import Plan, make_plan
from producer.simulator.rows import Columns
from producer.simulator.scenario import Scenario, load_scenario

DAYS = 14


def simulate(scenario: Scenario) -> tuple[Plan, dict[str, Columns]]:
    """Simulate a scenario in memory; return its plan, and its rows by topic with all that their sessions say."""
    plan, chains = make_plan(scenario), load_chains()
    blocks = [make_block(plan, number, chains) for number in range(plan.blocks)]
    joined = [{topic: block.joined(topic) for topic in (PLAYS, ACTIVITY)} for block in blocks]
    return plan, {
        topic: {name: np.concatenate([block[topic][name] for block in joined]) for name in joined[0][topic]}
        for topic in (PLAYS, ACTIVITY)
    }


@cache
def world_of(
    families: tuple[str, ...], difficulty: float, prevalence: float = 0.25, days: int = DAYS, users: int = 900
) -> tuple[Plan, dict[str, Columns]]:
    """Simulate a world of some families."""
    return simulate(
        replace(
            load_scenario("everything"), users=users, days=days, prevalence=prevalence, difficulty=difficulty,
            families={name: {} for name in families},
        )
    )  # fmt: skip


def of_family(rows: Columns, family: str) -> Columns:
    """Select the rows that a family made."""
    mask = rows["family"] == FAMILY_NAMES.index(family)
    return {name: column[mask] for name, column in rows.items()}
