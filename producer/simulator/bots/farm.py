"""farm: many accounts on few devices, one playlist in lockstep (2018: 10,000 accounts, the same 63 tracks)."""

import numpy as np
from numpy.random import Generator

from contracts.events import CONTEXTS
from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import in_context, on_shared_devices, through_hosts
from producer.simulator.bots.schedule import with_breaks
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.draws import uniform
from producer.simulator.listeners.listening import Setting
from runtime.units import DAY_MS, HOUR_MS

BLATANT_HOURS, ADAPTIVE_SHARE = 6.0, 0.15
EDITORIAL = CONTEXTS.index("editorial")


class Farm:
    """Parameters: `tracks` in the list, `from_h` (UTC hour) and `hours` of the daily shift, accounts `per_device`,
    `hosted` share of sessions through hosting networks.
    """

    name = "farm"
    accounts = 20
    keeps_cover = False
    params = ("tracks", "from_h", "hours", "per_device", "hosted", "stretch_min", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 63)))
        campaign.params.setdefault("from_h", float(rng.uniform(0, 20)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        days = np.arange(campaign.starts_ms, campaign.ends_ms, DAY_MS, dtype=np.int64)
        days = days[uniform(rng, len(days)) < 1 - 0.3 * hard]
        late = (uniform(rng, len(days)) * (2 + 240 * hard) * 60_000).astype(np.int64)
        begin = days + int(campaign.params["from_h"] * HOUR_MS) + late
        hours = campaign.params.get("hours", BLATANT_HOURS * ADAPTIVE_SHARE**hard)
        windows = np.stack((begin, begin + int(hours * HOUR_MS)), axis=1)
        windows = with_breaks(windows, campaign.param("stretch_min", 300, 30), rng)
        script = manners(hard, tracks=campaign.tracks, is_looped=True, listen_s=(31.0, 60.0 + 240.0 * hard))
        run = perform(windows, script, account, setting, rng)
        per_device = campaign.param("per_device", 10, 3)
        on_shared_devices(run, account, setting, max(int(len(campaign.accounts) / per_device), 1))
        through_hosts(run, setting, campaign.param("hosted", 0.9, 0.1), rng)
        in_context(run, EDITORIAL, setting.places.playlists - 1 - campaign.index % 50, 1 - 0.6 * hard, rng)
        return run
