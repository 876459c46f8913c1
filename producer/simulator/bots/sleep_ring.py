"""sleep_ring: a ring of sleep sounds just over 30 s long, all night, five nights a week.

Who runs it: makers of rain and white noise cut into half minutes, who stream them on accounts with ordinary days. A
night pays seven hundred times. Spotify pays for noise from two minutes on since 2024 ("Modernizing Our Royalty
System", November 2023), which is why an adaptive ring has longer sounds. What would show it: the tracks' length, and a
night that never varies.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import daily, with_breaks
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import sounds
from producer.simulator.listeners.listening import Setting

BLATANT_HOURS, ADAPTIVE_SHARE = 7.0, 0.08


class SleepRing:
    """Parameters: `tracks` in the ring, `longest_s` seconds of a sound, `nights` share of the nights, `hours` of one,
    `stretch_min` minutes without a break.
    """

    name = "sleep_ring"
    accounts = 6
    keeps_cover = True
    params = ("tracks", "longest_s", "nights", "hours", "stretch_min", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        longest_s = campaign.param("longest_s", 40, 240)
        tracks = int(campaign.param("tracks", 48, 24))
        campaign.tracks = sounds(setting.catalogue, rng, tracks, longest_s, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        hours = campaign.params.get("hours", BLATANT_HOURS * ADAPTIVE_SHARE**hard)
        windows = daily(
            setting.calendar, account.place, 22.6, 0.4 + 1.5 * hard, hours, campaign.param("nights", 5 / 7, 3 / 7), rng
        )
        windows = with_breaks(windows, campaign.param("stretch_min", 420, 35), rng)
        return perform(windows, manners(hard, tracks=campaign.tracks, is_looped=True), account, setting, rng)
