"""content_ripper: takes copies: rapid licences, failed starts, odd device and DRM pairs. The copies are sold."""

import numpy as np
from numpy.random import Generator

from contracts.events import DRMS
from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import records
from producer.simulator.draws import uniform
from producer.simulator.listeners.activity import ROLES
from producer.simulator.listeners.listening import Setting


class ContentRipper:
    """Parameters: `sessions_a_day`, `minutes` of one, `odd` share of sessions with a DRM its device has no right to."""

    name = "content_ripper"
    accounts = 4
    keeps_cover = True
    params = ("sessions_a_day", "minutes", "odd", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = records(setting.catalogue, setting.catalogue.artists.draw(rng, 1_000), rng)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        a_day, minutes = campaign.param("sessions_a_day", 4, 1), campaign.param("minutes", 90, 12)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, minutes, rng)
        script = manners(hard, tracks=campaign.tracks, is_looped=True, listen_s=(31.0, 60.0 + 180 * hard))
        run = perform(windows, script, account, setting, rng)
        n = len(run.sessions["start"])
        is_odd = uniform(rng, n) < campaign.param("odd", 0.7, 0.1)
        other = (run.sessions["drm"] + rng.integers(1, len(DRMS), n)) % len(DRMS)
        is_ripping = uniform(rng, n) < 1 - 0.7 * hard
        run.sessions |= {
            "drm": np.where(is_odd, other, run.sessions["drm"]).astype(np.uint8),
            "role": np.where(is_ripping, ROLES.index("ripper"), run.sessions["role"]).astype(np.uint8),
        }
        return run
