"""Orders by the stream: how many are bought, whether they fit, and who delivers how many."""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Campaign
from producer.simulator.scenario import BAD_SESSIONS, ScenarioError


def split_order(campaign: Campaign, capacity: int, rng: Generator) -> None:
    """Set the quotas of a campaign whose accounts can each deliver `capacity` streams; the first gets the remainder.

    Without `streams` in the scenario the order leaves more slack the harder the campaign is, for its manners.
    Raises ScenarioError, with the number that would fit, for an order that is too large.
    """
    if BAD_SESSIONS in campaign.params:
        raise ScenarioError(f"{campaign.family}: {BAD_SESSIONS} does not go with streams bought: set streams instead")
    n = len(campaign.accounts)
    usual = int(capacity * n * rng.uniform(0.7, 1.0) * max(1 - 1.3 * campaign.difficulty, 0.1))
    bought = int(campaign.params.get("streams", usual))
    # the first account also takes the remainder
    fits = capacity * n - (n - 1)
    if bought > fits:
        accounts = "1 account" if n == 1 else f"{n} accounts"
        enough = -(-(bought - 1) // (capacity - 1)) if capacity > 1 else 0
        listeners = f"{-(-10 * enough // n) / 10:g} times as many listeners (--users), or " if enough else ""
        raise ScenarioError(
            f"{campaign.family}: {bought} streams don't fit {accounts} in the time given: at most {max(fits, 0)}; take "
            f"{listeners}more days, or buy fewer"
        )
    campaign.quotas = np.full(n, bought // n, dtype=np.int64)
    campaign.quotas[0] += bought % n
