"""trickle: a play or two, then a silence that ends the session, from morning to night.

Who runs it: an operator who knows that sessions are scored, and that one of two plays says nothing. What would show it:
the day: as many sessions as nobody has, and hardly a rest.
"""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import disjoint
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.draws import uniform
from producer.simulator.listeners.listening import Setting
from runtime.units import HOUR_MS, MINUTE_MS

FROM_H, TO_H = 7, 23
"""Local hours of its day."""
SILENCE_MIN = 36
"""Shortest time from one session's begin to the next one's, of which five minutes or so are plays."""


class Trickle:
    """Parameters: `tracks` that are paid for, `more_min` minutes of silence beyond the shortest, in the mean."""

    name = "trickle"
    accounts = 10
    keeps_cover = False
    params = ("tracks", "more_min", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 40)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign, calendar = account.campaign, setting.calendar
        most = (TO_H - FROM_H) * 60 // SILENCE_MIN
        shape = (calendar.local_days, most)
        apart_min = SILENCE_MIN + rng.exponential(campaign.param("more_min", 12), shape)
        minute = FROM_H * 60 + 60 * uniform(rng, calendar.local_days)[:, None] + np.cumsum(apart_min, axis=1)
        midnight = calendar.local_midnight[account.place, : calendar.local_days]
        begin = (midnight[:, None] + minute * MINUTE_MS)[minute < TO_H * HOUR_MS / MINUTE_MS].astype(np.int64)
        length = (5 * MINUTE_MS * (0.7 + uniform(rng, len(begin)))).astype(np.int64)
        script = manners(
            campaign.difficulty, tracks=campaign.tracks, listen_s=(31.0, 180.0), human_gaps=0.5, human_touch=0.5
        )
        return perform(disjoint(np.stack((begin, begin + length), axis=1)), script, account, setting, rng)
