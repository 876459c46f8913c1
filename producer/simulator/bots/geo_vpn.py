"""geo_vpn: impossible travel: sessions an hour apart from other continents, through hosting and VPN networks."""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import from_abroad, through_hosts
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.listeners.listening import Setting


class GeoVpn:
    """Parameters: `tracks` played, `sessions_a_day`, `hosted` share of sessions, `hop` chance of another country."""

    name = "geo_vpn"
    accounts = 10
    keeps_cover = False
    params = ("tracks", "sessions_a_day", "hosted", "hop", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 40, 200)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        a_day = campaign.param("sessions_a_day", 6, 1)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, 40, rng)
        run = perform(
            windows, manners(campaign.difficulty, tracks=campaign.tracks, is_looped=True), account, setting, rng
        )
        from_abroad(run, campaign.param("hop", 0.8, 0.0), rng)
        through_hosts(
            run, setting, campaign.param("hosted", 0.95, 0.0), rng, "hosting" if rng.random() < 0.5 else "vpn"
        )
        return run
