"""resold: an account that is sold to several strangers. They share its devices, copy from it, and stream for hire.

Who runs it: a shop for cheap accounts that also rents out their listening. It earns three times, so it counts under all
three categories. What would show it: many devices that other accounts are on too, rapid licences with odd device and
DRM pairs, and one list of tracks on all accounts of the shop.
"""

import numpy as np
from numpy.random import Generator

from contracts.events import DRMS
from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import on_shared_devices
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.draws import uniform
from producer.simulator.listeners.activity import ROLES
from producer.simulator.listeners.listening import Setting


class Resold:
    """Parameters: `tracks` of the list, `sessions_a_day`, `minutes` of one, `copies` share of sessions that copy."""

    name = "resold"
    accounts = 4
    keeps_cover = True
    params = ("tracks", "sessions_a_day", "minutes", "copies", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 60, 200)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        a_day, minutes = campaign.param("sessions_a_day", 6, 2), campaign.param("minutes", 60, 15)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, minutes, rng)
        script = manners(hard, tracks=campaign.tracks, is_looped=True, listen_s=(31.0, 60.0 + 180 * hard))
        run = perform(windows, script, account, setting, rng)
        on_shared_devices(run, account, setting, max(len(campaign.accounts) // 2, 1))
        n = len(run.sessions["start"])
        is_copying = uniform(rng, n) < campaign.param("copies", 0.5, 0.15)
        other = (run.sessions["drm"] + rng.integers(1, len(DRMS), n)) % len(DRMS)
        run.sessions |= {
            "drm": np.where(is_copying, other, run.sessions["drm"]).astype(np.uint8),
            "role": np.where(is_copying, ROLES.index("ripper"), run.sessions["role"]).astype(np.uint8),
        }
        return run
