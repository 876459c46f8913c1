"""boost: a paid pump on a new release: N streams within days of its date, on accounts that also listen honestly."""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.orders import split_order
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, deliver, manners
from producer.simulator.listeners.listening import Setting
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS

STREAMS_A_DAY = 9


class Boost:
    """Parameters: `streams` bought, `pump_days` after the release, `sessions_a_day`."""

    name = "boost"
    accounts = 15
    keeps_cover = True
    params = ("streams", "pump_days", "sessions_a_day", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return -(-days // 7)

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        """Choose a release that leaves room for the pump, each campaign in a separate week.

        Where nothing comes out in that week it is the newest track there is.
        """
        catalogue, calendar = setting.catalogue, setting.calendar
        pump = min(int(campaign.param("pump_days", 7)), calendar.days)
        weeks = self.campaigns_needed(calendar.days)
        first = min(campaign.number % weeks * 7, calendar.days - pump)
        out_on = -catalogue.released_days[catalogue.releases]
        fitting = catalogue.releases[(out_on >= first) & (out_on <= min(first + 6, calendar.days - pump))]
        newest = int(np.argmin(np.where(catalogue.released_days > 0, catalogue.released_days, 1 << 30)))
        track = int(rng.choice(fitting)) if len(fitting) else newest
        artist = int(catalogue.artist_of[track])
        campaign.target_artist = artist
        older = catalogue.first_track[artist] + np.arange(min(4, int(catalogue.n_tracks[artist]) - 1))
        campaign.tracks = np.array([track, track, *older], dtype=np.int32)
        campaign.starts_ms = calendar.starts_ms + max(-int(catalogue.released_days[track]), first) * DAY_MS
        campaign.ends_ms = min(campaign.starts_ms + pump * DAY_MS, calendar.ends_ms)
        days = (campaign.ends_ms - campaign.starts_ms) / DAY_MS
        # what one account can add in any case
        split_order(campaign, int(days * STREAMS_A_DAY), rng)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        a_day = campaign.param("sessions_a_day", 5, 3)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, 30, rng)
        windows = windows[(windows[:, 0] >= campaign.starts_ms) & (windows[:, 1] < campaign.ends_ms)]
        script = manners(hard, tracks=campaign.tracks, listen_s=(31.0, 60.0 + 240 * hard))
        quota = int(campaign.quotas[account.number])
        late = np.array([[campaign.starts_ms + 2 * HOUR_MS, campaign.ends_ms - MINUTE_MS]], dtype=np.int64)
        return deliver(windows, late, script, account, setting, rng, quota)
