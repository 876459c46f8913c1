"""A small world whose honest accounts are scored once; only its bots are simulated and scored again and again."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from models.adversary.dials import Dial, Params
from models.adversary.outcome import Outcome, measure
from ops.adversary.detectors import DETECTORS, Detectors, Scored, score_accounts
from producer.simulator.catalogue import tracks_table
from producer.simulator.listeners.activity import load_chains
from producer.simulator.listeners.chain import Chain
from producer.simulator.plan import Plan, make_plan
from producer.simulator.scenario import Scenario, load_scenario
from producer.simulator.some_accounts import AccountRows, simulate_accounts
from spark_app.local.rows import world_rows

MAX_TRIES = 5
"""Simulations to find the volume that delivers a budget."""
MAX_SURPLUS = 1.15
"""A campaign may deliver up to this many times its budget."""


@dataclass(frozen=True, slots=True)
class Population:
    """Honest accounts of a world, scored, and the places of its bots, all of one family."""

    family: str
    scenario: Scenario
    chains: list[Chain]
    tracks: pa.Table
    honest: Scored
    detectors: Detectors

    def simulate(self, params: Params) -> AccountRows:
        """Simulate the family's accounts with some parameters."""
        plan = make_plan(replace(self.scenario, families={self.family: dict(params)}))
        return simulate_accounts(plan, self.chains, plan.campaign_of >= 0)

    def evaluate(self, bots: AccountRows) -> Outcome:
        """Score the bots among the honest accounts."""
        rows = world_rows(bots.plays, bots.activity, self.tracks, bots.users)
        scored = score_accounts(rows, self.detectors, self.honest)
        users = bots.users["user_id"].to_pylist()
        return measure(users, paid_days(bots), scored.flags, DETECTORS, self.scenario.days)

    def deliver(self, params: Params, volume: Dial, budget: float) -> tuple[Params, AccountRows] | None:
        """Set the volume so that the accounts deliver `budget` streams per account-day; None where they cannot."""
        value = float(np.sqrt(volume.low * volume.high))
        lowest, highest = volume.low, volume.high
        for _ in range(MAX_TRIES):
            tried = params | {volume.name: value}
            bots = self.simulate(tried)
            delivered = len(bots.paid) / (len(bots.users) * self.scenario.days)
            if budget <= delivered <= MAX_SURPLUS * budget:
                return tried, bots
            if delivered < budget and value == volume.high:
                return None
            lowest, highest = (value, highest) if delivered < budget else (lowest, value)
            # about proportional; a little more, since less than the budget does not count
            wanted = min(value * 1.06 * budget / max(delivered, 0.02 * budget), volume.high)
            is_inside = lowest < wanted < highest or (wanted == highest == volume.high)
            value = wanted if is_inside else float(np.sqrt(lowest * highest))
        return None

    def honest_flagged(self) -> dict[str, float]:
        """Return the share of honest accounts that each detector, and any of them, flags in the world's days."""
        flags, n = self.honest.flags, len(self.honest.rows.users)
        shares = {name: flags.loc[flags["detector"] == name, "user_id"].nunique() / n for name in DETECTORS}
        return shares | {"any": flags["user_id"].nunique() / n}


def make_population(
    family: str, honest: int, bots: int, days: int, seed: int, detectors: Detectors, scenario: str = "field"
) -> Population:
    """Simulate and score the honest accounts of a world with places for `bots` accounts of a family."""
    users = honest + bots
    base = load_scenario(
        scenario, users=users, days=days, seed=seed, prevalence=bots / users, difficulty_spread=0.0,
        families={family: {"accounts": bots}},
    )  # fmt: skip
    plan, chains = make_plan(base), load_chains()
    tracks = _tracks(plan)
    simulated = simulate_accounts(plan, chains, plan.campaign_of < 0)
    rows = world_rows(simulated.plays, simulated.activity, tracks, simulated.users)
    return Population(family, base, chains, rows.tracks, score_accounts(rows, detectors), detectors)


def paid_days(bots: AccountRows) -> pd.DataFrame:
    """Return user_id and UTC day number of every paid stream."""
    day = bots.paid["event_time"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return pd.DataFrame({"user_id": bots.paid["user_id"].to_pandas(), "day": day})


def _tracks(plan: Plan) -> pa.Table:
    return tracks_table(plan.catalogue, plan.ids, plan.scenario.starts_on, plan.scenario.seed)
