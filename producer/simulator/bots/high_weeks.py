"""high_weeks: an account that listens honestly and is high for three weeks in a row.

Who runs it: an owner who rents an account out for as long as a campaign lasts. It earns a sum per month. What would
show it: the weeks stand out against the months around them, while each day is one that many people have; against an
honest binge, the artists are the same every day. Length and volume are assumptions.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.listeners.listening import Setting
from runtime.units import DAY_MS

HIGH_DAYS = 21


class HighWeeks:
    """Parameters: `tracks` played, `high_days` of the campaign, `sessions_a_day`, `minutes` of one."""

    name = "high_weeks"
    accounts = 8
    keeps_cover = True
    params = ("tracks", "high_days", "sessions_a_day", "minutes", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return -(-days // HIGH_DAYS)

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        """Choose tracks, and weeks for each campaign, one after another."""
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 30, 120)))
        high = campaign.param("high_days", HIGH_DAYS)
        turn = campaign.number % self.campaigns_needed(setting.calendar.days)
        campaign.starts_ms = campaign.starts_ms + int(turn * HIGH_DAYS * DAY_MS)
        campaign.ends_ms = min(campaign.starts_ms + int(high * DAY_MS), setting.calendar.ends_ms)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        a_day, minutes = campaign.param("sessions_a_day", 8, 2), campaign.param("minutes", 60, 35)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, minutes, rng)
        windows = windows[(windows[:, 0] >= campaign.starts_ms) & (windows[:, 0] < campaign.ends_ms)]
        script = manners(campaign.difficulty, tracks=campaign.tracks, is_looped=True)
        return perform(windows, script, account, setting, rng)
