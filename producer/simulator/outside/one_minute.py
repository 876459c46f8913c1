"""one_minute: sounds of about a minute between songs of the charts, half and half, at a person's hours.

Who runs it: owners of short tracks, since a minute pays as much as a song. What would show it: how short the tracks of
one half of the plays are, and who else plays those.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import sounds
from producer.simulator.listeners.listening import Setting


class OneMinute:
    """Parameters: `tracks` that are paid for, `longest_s` of them, `sessions_a_day`, `minutes` of one."""

    name = "one_minute"
    accounts = 6
    keeps_cover = False
    params = ("tracks", "longest_s", "sessions_a_day", "minutes", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks, longest_s = int(campaign.param("tracks", 30)), campaign.param("longest_s", 90.0)
        campaign.tracks = sounds(setting.catalogue, rng, tracks, longest_s, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        a_day, minutes = campaign.param("sessions_a_day", 3), campaign.param("minutes", 60)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, minutes, rng)
        script = manners(
            campaign.difficulty, tracks=campaign.tracks, camouflage=0.5, share_cut=0.1, human_gaps=1.0, human_touch=1.0
        )
        return perform(windows, script, account, setting, rng)
