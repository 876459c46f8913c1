"""payout_stop: every target stops right after the payout line of 30 s, at ordinary hours and over many tracks.

Who runs it: whoever reads the terms: a play counts from 30 s on, so the rest of a track is lost time. The band Vulfpeck
showed it in 2014 with an album of silent tracks of 31 s, and the Bulgarian playlists of 2017 had 467 tracks just over
30 s (Music Business Worldwide, February 2018). The dial moves how soon after the line a play stops. What would show it:
a heap of listening times above 30 s, and no plays below.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.listeners.listening import Setting

LINE_S = 30.0


class PayoutStop:
    """Parameters: `tracks` played, `within_s` seconds after the line in which a play stops, `sessions_a_day`, `minutes`
    of one.
    """

    name = "payout_stop"
    accounts = 10
    keeps_cover = False
    params = ("tracks", "within_s", "sessions_a_day", "minutes", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 150, 300)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        a_day, minutes = campaign.param("sessions_a_day", 4, 1.5), campaign.param("minutes", 60, 30)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, minutes, rng)
        within_s = campaign.params.get("within_s", 1.5 + 300 * hard**2)
        listen_s = (LINE_S + 0.05, LINE_S + within_s)
        script = manners(hard, tracks=campaign.tracks, is_looped=True, listen_s=listen_s, camouflage=0.6 * hard)
        return perform(windows, script, account, setting, rng)
