"""replay: a real listener's timestamps with other tracks."""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.donor import draw_donor, retrace
from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.targets import tail_artist
from producer.simulator.draws import uniform
from producer.simulator.listeners.listening import Setting


class Replay:
    """Parameters: `tracks` put in, `shift_min` minutes by which borrowed sessions are moved at most."""

    name = "replay"
    accounts = 8
    keeps_cover = False
    params = ("tracks", "shift_min")

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = int(campaign.param("tracks", 6, 40))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        donor = draw_donor(account, rng)
        own = donor[1]["track"]
        u = uniform(rng, len(own))
        is_target = uniform(rng, len(own)) >= 0.35 * hard
        target = campaign.tracks[(u * len(campaign.tracks)).astype(np.int64)]
        track = np.where(is_target, target, own).astype(np.int32)
        shift_min = campaign.param("shift_min", 0, 40)
        return retrace(donor, track, is_target, 0.9 - 0.6 * hard, shift_min, 0.3 + 0.7 * hard, u, account, setting, rng)
