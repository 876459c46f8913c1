"""warm_up: a bought account listens as its owner did for a while, then more and more of its plays are paid for.

Who runs it: sellers of "aged" accounts. What would show it: the change, over weeks, and tracks that a few accounts
share.
"""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import records, tail_list
from producer.simulator.draws import uniform
from producer.simulator.listeners.listening import Setting


class WarmUp:
    """Parameters: `tracks` that are paid for, `sessions_a_day` at the end, `minutes` of one."""

    name = "warm_up"
    accounts = 8
    keeps_cover = True
    params = ("tracks", "sessions_a_day", "minutes", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = np.unique(tail_list(setting.catalogue, rng, int(campaign.param("tracks", 15))))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign, calendar = account.campaign, setting.calendar
        a_day, minutes = campaign.param("sessions_a_day", 2), campaign.param("minutes", 45)
        windows = waking(calendar, account.place, account.chronotype, a_day, minutes, rng)
        part = (windows[:, 0] - calendar.starts_ms) / (calendar.ends_ms - calendar.starts_ms)
        # none in the first three tenths of the time, all of them from nine tenths on
        windows = windows[uniform(rng, len(windows)) < np.clip(1.6 * part - 0.5, 0, 1)]
        taste = records(setting.catalogue, account.traits.favourites[account.who].astype(np.int64), rng)
        script = manners(
            campaign.difficulty, tracks=campaign.tracks, cover=taste, camouflage=0.4, share_cut=0.3, human_gaps=1.0,
            human_touch=1.0,
        )  # fmt: skip
        return perform(windows, script, account, setting, rng)
