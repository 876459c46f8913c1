"""album_alarm: one record from begin to end, twice a day, at two hours of the account's own, to the minutes.

Who runs it: a script that wants to look like a fan. An account delivers 20 streams a day; what would show it: the hour
that never moves, and accounts that play nothing but the same record.
"""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import Windows, daily, disjoint
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_artist
from producer.simulator.listeners.listening import Setting


class AlbumAlarm:
    """Parameters: `tracks` of the record, `hours` that one hearing takes."""

    name = "album_alarm"
    accounts = 12
    keeps_cover = False
    params = ("tracks", "hours", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = int(campaign.param("tracks", 12))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        windows = disjoint(np.concatenate([self._hearings(account, setting, rng) for _ in range(2)]))
        script = manners(
            campaign.difficulty, tracks=campaign.tracks, is_looped=True, human_gaps=1.0, human_touch=1.0, share_cut=0.05
        )
        return perform(windows, script, account, setting, rng)

    def _hearings(self, account: Account, setting: Setting, rng: Generator) -> Windows:
        hour, hours = 7 + 14 * rng.random(), account.campaign.param("hours", 0.8)
        return daily(setting.calendar, account.place, hour, 0.05, hours, 0.95, rng, hours_log_sd=0.02)
