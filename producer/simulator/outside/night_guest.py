"""night_guest: a program on the owner's own device streams while the owner sleeps, two nights a week, from a long list.

Who runs it: makers of malware on phones. Address and device are the owner's, no track comes often, and the manners are
a person's. What would show it: hours at which this person never listens, and a list that a few other accounts share.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import daily
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.listeners.listening import Setting


class NightGuest:
    """Parameters: `tracks` of the list, `nights` share of nights, `hours` of one, `at_hour` local hour of the begin."""

    name = "night_guest"
    accounts = 10
    keeps_cover = True
    params = ("tracks", "nights", "hours", "at_hour", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 150)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hour, hours, nights = (
            campaign.param("at_hour", 2.5),
            campaign.param("hours", 2.0),
            campaign.param("nights", 0.3),
        )
        windows = daily(setting.calendar, account.place, hour, 0.7, hours, nights, rng)
        script = manners(campaign.difficulty, tracks=campaign.tracks, share_cut=0.2, human_gaps=1.0, human_touch=1.0)
        return perform(windows, script, account, setting, rng)
