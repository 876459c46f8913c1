"""quiet_shift: an account's usual hours and counts, but 30–35 s plays at 02–04 h.

Who runs it: an owner who lets a script use the account at night in place of his own listening, so that no total stands
out. From a later day on (`from_day`) it is a change of habit that the days before show; from the first day it is not.
"""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import disjoint
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import tail_artist
from producer.simulator.draws import normal, uniform
from producer.simulator.listeners.listening import Setting
from runtime.units import DAY_MS, HOUR_MS


class QuietShift:
    """Parameters: `tracks` played, `share` of the owner's sessions that move into the night, `from_day` of the world,
    `habit` share of the campaigns that do so from the first day all the same.

    For each session that is taken away one of as many minutes stands at night, so hours and counts stay usual.
    """

    name = "quiet_shift"
    accounts = 8
    keeps_cover = True
    params = ("tracks", "share", "from_day", "habit", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = int(campaign.param("tracks", 10, 50))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        sessions, plays = account.listening_of(account.who)
        is_taken = uniform(rng, len(sessions["start"])) < campaign.param("share", 0.6, 0.2)
        habit = campaign.param("habit", 0)
        is_habit = int((campaign.number + 1) * habit) > int(campaign.number * habit)
        begins = campaign.starts_ms + (0 if is_habit else int(campaign.param("from_day", 0) * DAY_MS))
        taken = np.flatnonzero(is_taken & (sessions["start"] >= begins))
        minutes = np.add.reduceat(plays["listen"], np.cumsum(sessions["n_plays"]) - sessions["n_plays"])[taken] if len(
            taken) else np.empty(0, np.int64)  # fmt: skip
        midnight = setting.calendar.local_midnight[account.place]
        night = midnight[np.clip(np.searchsorted(midnight, sessions["start"][taken]), 0, len(midnight) - 1)]
        hour = 2.0 + 2.0 * uniform(rng, len(taken)) + 3.0 * hard * normal(rng, len(taken))
        begin = night + (hour * HOUR_MS).astype(np.int64)
        length = np.clip(minutes, 4 * 60_000, DAY_MS // 8).astype(np.int64)
        windows = disjoint(np.stack((begin, begin + length), axis=1))
        script = manners(hard, tracks=campaign.tracks, listen_s=(30.2, 35.0 + 300 * hard * hard))
        run = perform(windows, script, account, setting, rng)
        run.drops = taken
        return run
