"""loop30: 30–45 s plays of a few tracks round the clock; the one family that a single feature may give away."""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.script import Policy, cycles, perform, target_in_the_tail
from producer.simulator.listening import Setting


class Loop30:
    """Parameters: `tracks` in the loop, `on_h` and `off_h` hours of the duty cycle."""

    name = "loop30"
    accounts = 3
    keeps_cover = False

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.target_artist, campaign.tracks = target_in_the_tail(
            setting, rng, int(campaign.params.get("tracks", 5))
        )

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        policy = Policy(0.02 + 0.15 * hard, 400, 0.2 + 1.0 * hard, 0.5 * hard, (30.4, 45.0))
        on_h = campaign.params.get("on_h", 20.0 - 14.0 * hard)
        off_h = campaign.params.get("off_h", 4.0 + 10.0 * hard)
        first = campaign.starts_ms + int(rng.integers(0, int(off_h * 3_600_000)))
        windows = cycles(first, campaign.ends_ms, on_h, off_h, 0.2 + 0.6 * hard, rng)
        return perform(windows, policy, rng.permutation(campaign.tracks).astype(np.int32), True, account, setting, rng)
