"""rotation: accounts take turns, each some 40 minutes a day and at another hour every day; one is always at work.

Who runs it: a farm that keeps every account under the limits of volume that a service checks per account. It earns as
much as a few accounts at work all day. What would show it: over weeks an account has no usual hour, and the accounts
of a campaign share their targets. In US v. Smith (Southern District of New York, indictment of September 2024) streams
were spread over 1,040 accounts so that none looked abnormal.
"""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.draws import uniform
from producer.simulator.listeners.listening import Setting
from runtime.units import HOUR_MS, MINUTE_MS

STEP = 5
"""Turns by which the roster moves from one day to the next."""

SHORTEST_DAY_H = 23
"""A day on which the clocks go forward."""


class Rotation:
    """Parameters: `tracks` played, `minutes` of an account's one shift a day."""

    name = "rotation"
    accounts = 24
    keeps_cover = False
    params = ("tracks", "minutes", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 20, 100)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        days = np.flatnonzero(uniform(rng, setting.calendar.local_days) < 1 - 0.4 * hard)
        minutes = campaign.param("minutes", 40, 25)
        turn = (account.number + STEP * days) % len(campaign.accounts) + uniform(rng, len(days))
        # an adaptive operator leaves the small hours out; a shift ends before midnight, so that no day has two
        first_h, hours = 6 * hard, SHORTEST_DAY_H - 6 * hard - minutes / 60
        hour = first_h + hours * turn / len(campaign.accounts)
        begin = setting.calendar.local_midnight[account.place, days] + (hour * HOUR_MS).astype(np.int64)
        windows = np.stack((begin, begin + int(minutes * MINUTE_MS)), axis=1)
        return perform(windows, manners(hard, tracks=campaign.tracks, is_looped=True), account, setting, rng)
