"""single_loop: one track, or one album, over and over, all day.

Who runs it: the artist, a friend, a fan; the oldest bot there is, and it needs no program but the repeat button. An
analysis of a service's report of one day (9 September 2017, github.com/ahnate/MusicStreamFraudDetection) flags 630
accounts of 150 plays or more; one of the patterns it names is all songs of one album, repeatedly. What would show it: a
perfect loop at hours that no child or fan keeps. 20 hours per day, blatant, is an assumption.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import cycles, with_breaks
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import sounds, tail_artist
from producer.simulator.listeners.listening import Setting
from runtime.units import HOUR_MS

ALBUM = 12
SHORT_S = 45.0
BLATANT_HOURS, ADAPTIVE_SHARE = 20.0, 0.05


class SingleLoop:
    """Parameters: `tracks` in the loop (by default one for every other campaign, an album for the rest), `hours` a day,
    `stretch_min` minutes without a break, `short` the share of campaigns whose tracks last little over 30 s.
    """

    name = "single_loop"
    accounts = 3
    keeps_cover = False
    params = ("tracks", "hours", "stretch_min", "short", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        blatant = 1 if campaign.number % 2 else ALBUM
        tracks = int(campaign.param("tracks", blatant, 2 * ALBUM))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)
        if rng.random() < campaign.params.get("short", 0.0):
            campaign.tracks = sounds(setting.catalogue, rng, tracks, SHORT_S, campaign.difficulty)
            campaign.target_artist = int(setting.catalogue.artist_of[campaign.tracks[0]])

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        hours = campaign.params.get("hours", BLATANT_HOURS * ADAPTIVE_SHARE**hard)
        first = campaign.starts_ms + int(rng.integers(0, 8 * HOUR_MS))
        windows = cycles(first, campaign.ends_ms, hours, 24 - hours, 0.1 + 0.4 * hard, rng)
        windows = with_breaks(windows, campaign.param("stretch_min", 600, 40), rng)
        return perform(windows, manners(hard, tracks=campaign.tracks, is_looped=True), account, setting, rng)
