"""hidden_target: a few targets among the tracks of a popular playlist, at the hours and with the skips of a person.

Who runs it: playlist owners who sell placements, and operators who copy a listener's pattern. It earns little per
account (one play in seven or so is paid) from many accounts. No account shows it; what would: tracks that nobody else
plays are shared by accounts that otherwise have different tastes. The French national music centre (CNM, "Manipulation
des écoutes en ligne", January 2023) found four fifths of fraudulent streams outside the 10,000 most played tracks.
"""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.donor import draw_donor, retrace
from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.targets import tail_list
from producer.simulator.draws import uniform
from producer.simulator.listeners.listening import Setting


class HiddenTarget:
    """Parameters: `tracks` that are paid for, `listed` popular tracks around them, `share` of plays that are targets,
    `shift_min` minutes by which a person's sessions are moved at most, `donor` 0 to 1: the place of the person that is
    copied among some, by plays, `per_address` accounts that share an address.
    """

    name = "hidden_target"
    accounts = 12
    keeps_cover = False
    params = ("tracks", "listed", "share", "shift_min", "donor", "per_address")

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        catalogue = setting.catalogue
        campaign.tracks = np.unique(tail_list(catalogue, rng, int(campaign.param("tracks", 3, 6))))
        listed = int(campaign.param("listed", 60, 150))
        campaign.cover = catalogue.draw_track(catalogue.artists.draw(rng, listed), uniform(rng, listed))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        donor = draw_donor(account, rng, campaign.param("donor", 0.5))
        n = len(donor[1]["track"])
        u = uniform(rng, n)
        is_target = uniform(rng, n) < campaign.param("share", 0.3, 0.08)
        listed = campaign.cover[(u * len(campaign.cover)).astype(np.int64)]
        target = campaign.tracks[(u * len(campaign.tracks)).astype(np.int64)]
        track = np.where(is_target, target, listed).astype(np.int32)
        shift_min = campaign.param("shift_min", 20)
        return retrace(
            donor, track, is_target, 0.8 - 0.5 * campaign.difficulty, shift_min, 1.0, u, account, setting, rng
        )
