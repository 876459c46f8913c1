"""catalog_spread: a little of everything. M. Smith, 2024: 1,040 accounts, 636 streams each a day, over 10⁵ tracks."""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import through_hosts
from producer.simulator.bots.schedule import cycles, waking, with_breaks
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.listeners.listening import Setting

BLATANT_PLAYS, ADAPTIVE_SHARE = 650.0, 0.03


class CatalogSpread:
    """Parameters: `tracks` to spread over, `plays_a_day` of one account."""

    name = "catalog_spread"
    accounts = 10
    keeps_cover = False
    params = ("tracks", "plays_a_day", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        most = len(setting.catalogue.artist_of) // 4
        campaign.tracks = tail_list(setting.catalogue, rng, min(int(campaign.param("tracks", 10_000)), most))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        plays = campaign.params.get("plays_a_day", BLATANT_PLAYS * ADAPTIVE_SHARE**hard)
        longest_s = 90.0 + 240 * hard
        hours = plays * (31 + min(longest_s, 215)) / 2 / 3600
        if hours > 8:
            windows = cycles(campaign.starts_ms, campaign.ends_ms, hours * 1.2, max(24 - hours * 1.2, 1), 0.2, rng)
            windows = with_breaks(windows, 240, rng)
        else:
            windows = waking(setting.calendar, account.place, account.chronotype, 1 + hours, 50, rng)
        script = manners(hard, tracks=campaign.tracks, is_looped=True, listen_s=(31.0, longest_s))
        run = perform(windows, script, account, setting, rng)
        through_hosts(run, setting, 0.9 - 0.8 * hard, rng)
        return run
