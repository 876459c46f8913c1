"""agent: a program that behaves as a listener: searches, likes, skips and pauses; one play in seven is a target.

Who runs it: sellers of "organic" streams with likes, saves and followers (IFPI had several such sites closed in 2020
to 2024). An account earns little and lasts. No session shows it; what would: its targets are shared by accounts that
have nothing else in common, and its habits never tire or change. The share of targets is an assumption.
"""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import records, tail_list
from producer.simulator.listeners.listening import Setting


class Agent:
    """Parameters: `tracks` that are paid for, `share` of plays that are targets, `sessions_a_day`, `minutes` of one."""

    name = "agent"
    accounts = 12
    keeps_cover = False
    params = ("tracks", "share", "sessions_a_day", "minutes", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = np.unique(tail_list(setting.catalogue, rng, int(campaign.param("tracks", 5, 8))))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        a_day, minutes = campaign.param("sessions_a_day", 4, 1.5), campaign.param("minutes", 60, 40)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, minutes, rng)
        taste = records(setting.catalogue, account.traits.favourites[account.who].astype(np.int64), rng)
        script = manners(
            hard, tracks=campaign.tracks, cover=taste, camouflage=1 - campaign.param("share", 0.3, 0.08),
            share_cut=0.1 + 0.35 * hard, human_gaps=1.0, human_touch=1.0,
        )  # fmt: skip
        return perform(windows, script, account, setting, rng)
