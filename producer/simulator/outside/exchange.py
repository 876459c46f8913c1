"""exchange: artists who stream each other's tracks for about a minute each, once a day, beside what they like.

Who runs it: groups in social networks, "stream for stream". No account has more plays than a person; what would show
it: tracks that only the members play, each member a few.
"""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_artist
from producer.simulator.listeners.listening import Setting

EACH = 3
"""Tracks that a member puts on the list."""


class Exchange:
    """Parameters: `minutes` a day that go into the exchange."""

    name = "exchange"
    accounts = 12
    keeps_cover = True
    params = ("minutes", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        lists = [tail_artist(setting.catalogue, rng, EACH, 0.5)[1] for _ in campaign.accounts]
        campaign.tracks = np.unique(np.concatenate(lists))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        minutes = campaign.param("minutes", 40, 20)
        windows = waking(setting.calendar, account.place, account.chronotype, 1.0, minutes, rng)
        script = manners(
            campaign.difficulty, tracks=rng.permutation(campaign.tracks), is_looped=True, listen_s=(35.0, 75.0),
            human_gaps=1.0, human_touch=1.0,
        )  # fmt: skip
        return perform(windows, script, account, setting, rng)
