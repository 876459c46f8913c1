"""The plan of a world: which accounts are bots', in which campaigns, for what; which honest ones look like bots."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producer.simulator.bots import BOTS, FAMILY_NAMES
from producer.simulator.bots.family import Campaign
from producer.simulator.calendar import Calendar, make_calendar
from producer.simulator.catalogue import Catalogue, make_catalogue
from producer.simulator.cohorts import COHORT_NAMES
from producer.simulator.draws import Purpose, stream
from producer.simulator.ids import Ids
from producer.simulator.listeners.listening import Setting
from producer.simulator.listeners.places import Places
from producer.simulator.listeners.profiles import PROFILES
from producer.simulator.prevalence import bot_accounts
from producer.simulator.scenario import SHARED_PARAMS, Scenario

USER_DAYS_PER_BLOCK = 8_192
"""Size of the unit of work: small enough for the caches and the memory, large enough for NumPy."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that blocks of accounts share. Equal scenarios give equal plans, on whatever machine."""

    scenario: Scenario
    setting: Setting
    ids: Ids
    campaigns: list[Campaign]
    campaign_of: NDArray[np.int32]
    """Campaign by account, -1 for honest ones."""
    number_of: NDArray[np.int32]
    """Place in the campaign by account."""
    cohort_of: NDArray[np.uint8]
    """Hard negative by account, 0 is regular."""

    @property
    def block_users(self) -> int:
        """Accounts in a block: depends on the scenario only, so that shards never change what is drawn."""
        return int(np.clip(USER_DAYS_PER_BLOCK // (self.scenario.days + 2), 32, 4096))

    @property
    def blocks(self) -> int:
        return -(-self.scenario.users // self.block_users)

    def users_of(self, block: int) -> NDArray[np.int32]:
        """Return the accounts of a block."""
        first = block * self.block_users
        return np.arange(first, min(first + self.block_users, self.scenario.users), dtype=np.int32)

    @property
    def calendar(self) -> Calendar:
        return self.setting.calendar

    @property
    def catalogue(self) -> Catalogue:
        return self.setting.catalogue


def make_plan(scenario: Scenario) -> Plan:
    """Draw the plan of a world. Raises ScenarioError where the population is too small for its families."""
    calendar = make_calendar(scenario.starts_on, scenario.days, scenario.weekend_boost)
    catalogue = make_catalogue(scenario.catalogue, scenario.seed, scenario.days)
    places = Places(scenario.users, len(catalogue.n_tracks))
    setting = Setting(calendar, catalogue, PROFILES[scenario.profile], places)
    rng = stream(scenario.seed, Purpose.PLAN)
    shuffled = rng.permutation(scenario.users).astype(np.int32)
    campaigns = _campaigns(scenario, setting, shuffled)
    campaign_of = np.full(scenario.users, -1, dtype=np.int32)
    number_of = np.zeros(scenario.users, dtype=np.int32)
    for campaign in campaigns:
        campaign_of[campaign.accounts] = campaign.index
        number_of[campaign.accounts] = np.arange(len(campaign.accounts))
        BOTS[campaign.family].order(campaign, setting, stream(scenario.seed, Purpose.CAMPAIGN, campaign.index))
    used = sum(len(c.accounts) for c in campaigns)
    cohort_of = np.zeros(scenario.users, dtype=np.uint8)
    for name, share in scenario.negatives.items():
        count = round(share * scenario.users)
        cohort_of[shuffled[used : used + count]] = COHORT_NAMES.index(name)
        used += count
    return Plan(scenario, setting, Ids(scenario.seed), campaigns, campaign_of, number_of, cohort_of)


def _campaigns(scenario: Scenario, setting: Setting, shuffled: NDArray[np.int32]) -> list[Campaign]:
    """Split the bot accounts over families by weight, and each family's over campaigns of its size."""
    calendar = setting.calendar
    campaigns: list[Campaign] = []
    at = 0
    for name, count in bot_accounts(scenario, setting).items():
        params = scenario.families[name]
        size = int(params.get("accounts", BOTS[name].accounts))
        parts = max(round(count / size), BOTS[name].campaigns_needed(scenario.days))
        dial, spread = params.get("difficulty", scenario.difficulty), scenario.difficulty_spread
        dials = np.clip(np.linspace(dial - spread, dial + spread, parts), 0, 1) if spread else np.full(parts, dial)
        for number, part in enumerate(np.array_split(shuffled[at : at + count], parts)):
            campaigns.append(
                Campaign(
                    len(campaigns), number, name, float(dials[number]),
                    {k: v for k, v in params.items() if k not in SHARED_PARAMS}, part,
                    calendar.starts_ms, calendar.ends_ms,
                )
            )  # fmt: skip
        at += count
    return campaigns


def family_code(name: str) -> int:
    """Return the code of a family in the inner tables."""
    return FAMILY_NAMES.index(name)
