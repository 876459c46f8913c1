"""marathon: 5 h on, 12 h off, one artist; N purchased streams split over n staggered accounts."""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.orders import split_order
from producer.simulator.bots.schedule import cycles, with_breaks
from producer.simulator.bots.script import MANNERS, Script, deliver, manners
from producer.simulator.bots.targets import tail_artist
from producer.simulator.listeners.listening import Setting
from runtime.units import HOUR_MS


class Marathon:
    """Parameters: `streams` bought for the campaign, `on_h` and `off_h` hours of the duty cycle, `tracks` played,
    `stretch_min` minutes without a break.
    """

    name = "marathon"
    accounts = 12
    keeps_cover = False
    params = ("streams", "on_h", "off_h", "tracks", "stretch_min", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = int(campaign.param("tracks", 12, 60))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)
        split_order(campaign, self.capacity(campaign, setting), rng)

    def capacity(self, campaign: Campaign, setting: Setting) -> int:
        """Count the streams that each account surely can deliver: whole windows, less what jitter takes."""
        on_h, period = campaign.param("on_h", 5), campaign.param("on_h", 5) + campaign.param("off_h", 12)
        hours = (campaign.ends_ms - campaign.starts_ms) / HOUR_MS
        late = period * (1 - 1 / len(campaign.accounts)) + campaign.param("off_h", 12) / 3 + 1
        windows = np.floor((hours - late - on_h) / period) + 1 if hours >= late + on_h else 0
        left = max(hours - late, 0.0) if windows == 0 else 0.0
        pace_h = (float(setting.catalogue.duration_ms[campaign.tracks].mean()) * 1.1 + 3_000) / HOUR_MS
        # jitter shortens a window by a quarter at most
        return int((1 - 0.15 - 0.15 * campaign.difficulty) * (windows * on_h + left) / pace_h)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        on_h, off_h = campaign.param("on_h", 5), campaign.param("off_h", 12)
        late = account.number * (on_h + off_h) / len(campaign.accounts) * HOUR_MS
        first = campaign.starts_ms + int(late + rng.integers(0, HOUR_MS))
        windows = cycles(first, campaign.ends_ms, on_h, off_h, 0.1 + 0.5 * campaign.difficulty, rng)
        script: Script = manners(campaign.difficulty, tracks=campaign.tracks, is_looped=rng.random() < 0.5)
        quota = int(campaign.quotas[account.number])
        stretches = with_breaks(windows, campaign.param("stretch_min", 300, 25), rng)
        return deliver(stretches, windows, script, account, setting, rng, quota)
