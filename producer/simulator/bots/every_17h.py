"""every_17h: one session every 17 hours, to the minute, whatever the clock of day says.

Who runs it: a script with a timer. 17 hours is the period of a documented order (five hours on, twelve off); a timer of
any length drifts around the clock, so that no hour of the day stands out. What would show it: the period, once it is
looked for (sessions repeat at 17, 34, 51 hours), and the lack of a usual hour.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import cycles
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_artist
from producer.simulator.listeners.listening import Setting
from runtime.units import HOUR_MS


class Every17h:
    """Parameters: `tracks` played, `period_h` hours from begin to begin, `on_h` hours of a session, `jitter` (0–1) of
    the begin.
    """

    name = "every_17h"
    accounts = 6
    keeps_cover = False
    params = ("tracks", "period_h", "on_h", "jitter", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = int(campaign.param("tracks", 12, 60))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        on_h, period_h = campaign.param("on_h", 3.0, 0.7), campaign.param("period_h", 17)
        first = campaign.starts_ms + int(rng.integers(0, int(period_h * HOUR_MS)))
        jitter = campaign.param("jitter", 0.0, 0.2)
        windows = cycles(first, campaign.ends_ms, on_h, period_h - on_h, jitter, rng)
        script = manners(campaign.difficulty, tracks=campaign.tracks, is_looped=rng.random() < 0.5)
        return perform(windows, script, account, setting, rng)
