"""low_slow: 10–40 paid plays a day inside human-like cover."""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_artist
from producer.simulator.listeners.listening import Setting


class LowSlow:
    """Parameters: `tracks` played, `sessions_a_day` of a quarter of an hour or so."""

    name = "low_slow"
    accounts = 10
    keeps_cover = True
    params = ("tracks", "sessions_a_day", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = int(campaign.param("tracks", 8, 30))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        a_day = campaign.param("sessions_a_day", 3, 1)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, 35, rng, 0.9)
        script = manners(
            campaign.difficulty, tracks=campaign.tracks, listen_s=(33.0, 120.0 + 300 * campaign.difficulty)
        )
        return perform(windows, script, account, setting, rng)
