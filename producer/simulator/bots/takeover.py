"""takeover: a hijacked honest account (2018: 366 listeners, unknown phone, one artist): night bursts from elsewhere."""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import from_abroad, on_a_borrowed_device, through_hosts
from producer.simulator.bots.schedule import daily
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_artist
from producer.simulator.listeners.listening import Setting


class Takeover:
    """Parameters: `tracks` played, `night_share` of the nights after the theft, `hours` of a burst.

    Only the thief's sessions are fraud; the owner listens on, before and after.
    """

    name = "takeover"
    accounts = 8
    keeps_cover = True
    params = ("tracks", "night_share", "hours", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = int(campaign.param("tracks", 6, 40))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        stolen_ms = campaign.starts_ms + int((campaign.ends_ms - campaign.starts_ms) * 0.3 * rng.random())
        hours, share = campaign.param("hours", 2.0, 0.5), campaign.param("night_share", 0.9, 0.4)
        windows = daily(setting.calendar, account.place, 3.0, 0.8 + 4 * hard, hours, share, rng)
        windows = windows[windows[:, 0] >= stolen_ms]
        script = manners(hard, tracks=rng.permutation(campaign.tracks).astype(np.int32), is_looped=rng.random() < 0.5)
        run = perform(windows, script, account, setting, rng)
        on_a_borrowed_device(run, account, rng)
        from_abroad(run, 0.9 - 0.8 * hard, rng)
        through_hosts(run, setting, 0.9 - 0.8 * hard, rng)
        return run
