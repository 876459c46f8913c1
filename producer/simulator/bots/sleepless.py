"""sleepless: an ordinary account that on some days plays for 23 hours in a row.

Who runs it: an owner who leaves a phone on charge for money, or a farm that borrows accounts for a day. It earns a
day's 350 streams at a time. What would show it: hours without a rest, against the account's own days. KKBox's log has
honest days over 23 h as well: three in ten thousand.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import daily, with_breaks
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.listeners.listening import Setting

BLATANT_HOURS, ADAPTIVE_SHARE = 23.0, 0.025


class Sleepless:
    """Parameters: `tracks` played, `days_share` of the days, `hours` of one, `stretch_min` minutes without a break."""

    name = "sleepless"
    accounts = 8
    keeps_cover = True
    params = ("tracks", "days_share", "hours", "stretch_min", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 40, 150)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        hours = campaign.params.get("hours", BLATANT_HOURS * ADAPTIVE_SHARE**hard)
        # a day that is nearly whole begins just after midnight, a shorter one later
        hour = max((24 - hours) / 2 - 1, 0.2)
        share = campaign.param("days_share", 0.5, 0.25)
        windows = daily(
            setting.calendar, account.place, hour, 0.1 + 3 * hard, hours, share, rng, hours_log_sd=0.01 + 0.35 * hard
        )
        windows = with_breaks(windows, campaign.param("stretch_min", 1_500, 40), rng)
        return perform(windows, manners(hard, tracks=campaign.tracks, is_looped=True), account, setting, rng)
