"""playlist_farm: one playlist, played through, never touched (2017: 467 tracks just over 30 s, 1,200 accounts)."""

from numpy.random import Generator

from contracts.events import CONTEXTS
from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import in_context
from producer.simulator.bots.schedule import waking, with_breaks
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.listeners.listening import Setting

BLATANT_HOURS, ADAPTIVE_SHARE = 16.0, 0.07

EDITORIAL = CONTEXTS.index("editorial")


class PlaylistFarm:
    """Parameters: `tracks` in the list, `hours_a_day` of listening."""

    name = "playlist_farm"
    accounts = 15
    keeps_cover = False
    params = ("tracks", "hours_a_day", "stretch_min", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 60, 250)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hours = campaign.params.get("hours_a_day", BLATANT_HOURS * ADAPTIVE_SHARE**campaign.difficulty)
        a_day = max(hours / 4, 1.3)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, 60 * hours / a_day, rng)
        windows = with_breaks(windows, campaign.param("stretch_min", 240, 35), rng)
        script = manners(campaign.difficulty, tracks=campaign.tracks, is_looped=True, human_touch=0.0)
        run = perform(windows, script, account, setting, rng)
        in_context(
            run, EDITORIAL, setting.places.playlists - 51 - campaign.index % 50, 1 - 0.6 * campaign.difficulty, rng
        )
        return run
