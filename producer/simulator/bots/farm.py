"""farm: many accounts on few devices, all playing one playlist in lockstep (2017: one list of 467 tracks)."""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.script import HOUR_MS, Policy, perform, shared_place
from producer.simulator.calendar import DAY_MS
from producer.simulator.draws import uniform
from producer.simulator.listening import Setting


class Farm:
    """Parameters: `tracks` in the list, `from_h` (UTC hour) and `hours` of the daily shift, `devices` shared."""

    name = "farm"
    accounts = 20
    keeps_cover = False

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        count = int(campaign.params.get("tracks", 60))
        n = len(setting.catalogue.artist_of)
        campaign.tracks = rng.choice(np.arange(n // 20, n, dtype=np.int32), count, replace=False)
        campaign.params.setdefault("from_h", float(rng.integers(0, 24)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        hours = campaign.params.get("hours", 4.0)
        days = np.arange(campaign.starts_ms, campaign.ends_ms, DAY_MS, dtype=np.int64)
        late = (uniform(rng, len(days)) * (2 + 90 * hard) * 60_000).astype(np.int64)
        begin = days + int(campaign.params["from_h"] * HOUR_MS) + late
        windows = np.stack((begin, begin + int(hours * HOUR_MS)), axis=1)
        policy = Policy(0.25 * hard, 500, 0.3 + 1.4 * hard, 0.4, (31.0, 75.0 + 120.0 * hard))
        run = perform(windows, policy, campaign.tracks, True, account, setting, rng)
        devices = int(campaign.params.get("devices", max(len(campaign.accounts) // 10, 2)))
        return shared_place(run, campaign, setting, account.number, devices, 0.8 - 0.7 * hard, rng)
