"""sabotage: cheap bots on a rival's tracks for a few days, so that the rival is fined or taken down.

Who runs it: a competitor, or somebody who asks for money to stop. Since 2024 a distributor is charged about 10 euros
per track and month where over nine streams in ten are artificial (Spotify, "Modernizing Our Royalty System", November
2023), and passes it on. The artist ordered nothing: `is_paid` means that the operator was paid. What would show it:
a burst from accounts with nothing to lose, on an artist who never had such accounts before.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import through_hosts
from producer.simulator.bots.schedule import waking, with_breaks
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_artist
from producer.simulator.listeners.listening import Setting
from runtime.units import DAY_MS

WEEK_DAYS = 7
BLATANT_HOURS, ADAPTIVE_SHARE = 14.0, 0.06


class Sabotage:
    """Parameters: `tracks` of the rival, `burst_days`, `hours` a day of one account, `hosted` share of the sessions,
    `stretch_min` minutes without a break.
    """

    name = "sabotage"
    accounts = 10
    keeps_cover = False
    params = ("tracks", "burst_days", "hours", "hosted", "stretch_min", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return -(-days // WEEK_DAYS)

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        """Choose a rival, and days within one week for each campaign."""
        tracks = int(campaign.param("tracks", 5, 30))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)
        calendar = setting.calendar
        days = min(campaign.param("burst_days", 3, 5), calendar.days)
        week = campaign.number % self.campaigns_needed(calendar.days) * WEEK_DAYS
        latest = max(min(WEEK_DAYS - days, calendar.days - week - days), 0)
        campaign.starts_ms += int((week + latest * rng.random()) * DAY_MS)
        campaign.ends_ms = min(campaign.starts_ms + int(days * DAY_MS), calendar.ends_ms)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        hours = campaign.params.get("hours", BLATANT_HOURS * ADAPTIVE_SHARE**hard)
        a_day = max(hours / 3, 1.5)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, 60 * hours / a_day, rng)
        windows = with_breaks(windows, campaign.param("stretch_min", 240, 35), rng)
        windows = windows[(windows[:, 0] >= campaign.starts_ms) & (windows[:, 1] < campaign.ends_ms)]
        run = perform(windows, manners(hard, tracks=campaign.tracks, is_looped=True), account, setting, rng)
        through_hosts(run, setting, campaign.param("hosted", 0.95, 0.0), rng)
        return run
