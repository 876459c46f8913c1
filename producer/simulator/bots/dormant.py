"""dormant: accounts that rest for weeks, then listen a few times a day from other people's home addresses.

Who runs it: sellers of aged or stolen accounts, with rented home lines (the botnet 911 S5, taken down by the US
Department of Justice in May 2024, rented out over 19 million such addresses). An account rests until it is forgotten,
works for some days, and rests again. What would show it: days since it was last active, and addresses that are new to
it and known from others.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import through_homes
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_list
from producer.simulator.listeners.listening import Setting
from runtime.units import DAY_MS

PHASE = 0.618034
"""Campaigns wake out of step, whatever their number."""


class Dormant:
    """Parameters: `tracks` played, `rest_days` without a play, `awake_days` of work, `sessions_a_day`, `proxied` share
    of the sessions that come through other homes.
    """

    name = "dormant"
    accounts = 12
    keeps_cover = False
    params = ("tracks", "rest_days", "awake_days", "sessions_a_day", "proxied", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        """Return three: an account is awake for a third of the time or more."""
        return 3

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        campaign.tracks = tail_list(setting.catalogue, rng, int(campaign.param("tracks", 20, 100)))

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        awake, rest = campaign.param("awake_days", 12, 8), campaign.param("rest_days", 16)
        phase = account.number / len(campaign.accounts) + campaign.number * PHASE
        a_day = campaign.param("sessions_a_day", 3, 2)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, 40, rng)
        since = (windows[:, 0] - campaign.starts_ms) / DAY_MS + phase * (awake + rest)
        windows = windows[since % (awake + rest) < awake]
        run = perform(windows, manners(hard, tracks=campaign.tracks, is_looped=True), account, setting, rng)
        through_homes(run, setting, campaign.param("proxied", 1.0, 0.5), rng)
        return run
