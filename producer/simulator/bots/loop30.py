"""loop30: 30–45 s plays of a few tracks round the clock; the one family that a single feature may give away."""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import cycles, with_breaks
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_artist
from producer.simulator.listeners.listening import Setting
from runtime.units import HOUR_MS


class Loop30:
    """Parameters: `tracks` in the loop, `on_h` and `off_h` hours of the duty cycle."""

    name = "loop30"
    accounts = 3
    keeps_cover = False
    params = ("tracks", "on_h", "off_h", "stretch_min", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = int(campaign.param("tracks", 4, 14))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        on_h, off_h = campaign.param("on_h", 21, 7), campaign.param("off_h", 3, 17)
        first = campaign.starts_ms + int(rng.integers(0, int(off_h * HOUR_MS) + 1))
        windows = cycles(first, campaign.ends_ms, on_h, off_h, 0.2 + 0.6 * campaign.difficulty, rng)
        windows = with_breaks(windows, campaign.param("stretch_min", 600, 60), rng)
        script = manners(
            campaign.difficulty, tracks=rng.permutation(campaign.tracks), is_looped=True, listen_s=(30.4, 45.0),
            share_cut=0.15 * campaign.difficulty,
        )  # fmt: skip
        return perform(windows, script, account, setting, rng)
