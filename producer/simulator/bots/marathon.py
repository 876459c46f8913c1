"""marathon: 5 h on, 12 h off, one artist; N purchased streams split over n staggered accounts."""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.script import HOUR_MS, Policy, cycles, perform, target_in_the_tail
from producer.simulator.listening import Setting
from producer.simulator.scenario import ScenarioError

SAFETY = 0.8
"""Share of the time on that an order may count on: tracks differ in length, and windows jitter."""


class Marathon:
    """Parameters: `streams` bought for the campaign, `on_h` and `off_h` hours of the duty cycle, `tracks` played."""

    name = "marathon"
    accounts = 12
    keeps_cover = False

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.target_artist, campaign.tracks = target_in_the_tail(
            setting, rng, int(campaign.params.get("tracks", 12))
        )
        can = self.capacity(campaign, setting)
        bought = int(campaign.params.get("streams", can * rng.uniform(0.6, 1.0)))
        if bought > can:
            raise ScenarioError(
                f"{self.name}: {bought} streams don't fit {len(campaign.accounts)} accounts in the time given: "
                f"at most {can}; buy fewer, or set accounts or on_h higher"
            )
        n = len(campaign.accounts)
        campaign.quotas = np.full(n, bought // n, dtype=np.int64)
        campaign.quotas[0] += bought % n

    def hours(self, campaign: Campaign) -> tuple[float, float]:
        """Return hours on and off."""
        return campaign.params.get("on_h", 5.0), campaign.params.get("off_h", 12.0)

    def capacity(self, campaign: Campaign, setting: Setting) -> int:
        """Count the streams that the campaign surely can deliver."""
        on_h, off_h = self.hours(campaign)
        period = on_h + off_h
        hours = (campaign.ends_ms - campaign.starts_ms) / HOUR_MS
        n = len(campaign.accounts)
        cycles_left = np.floor((hours - np.arange(n) * period / n - off_h / 3) / period)
        on = np.maximum(cycles_left, 0) * on_h + np.minimum(on_h, hours / 4) * (cycles_left < 1)
        track_h = float(setting.catalogue.duration_ms[campaign.tracks].mean()) / HOUR_MS
        return int(SAFETY * on.min() / track_h * 0.75) * n

    def policy(self, campaign: Campaign) -> Policy:
        """Play to the end, with more made-up skips and pauses the harder it is."""
        hard = campaign.difficulty
        return Policy(0.3 * hard, 700, 0.3 + 1.6 * hard, 0.6)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        on_h, off_h = self.hours(campaign)
        n = len(campaign.accounts)
        first = campaign.starts_ms + int(account.number * (on_h + off_h) / n * HOUR_MS + rng.integers(0, HOUR_MS))
        windows = cycles(first, campaign.ends_ms, on_h, off_h, 0.1 + 0.5 * campaign.difficulty, rng)
        order = rng.permutation(campaign.tracks).astype(np.int32)
        quota = int(campaign.quotas[account.number])
        return perform(windows, self.policy(campaign), order, False, account, setting, rng, quota)
