"""chart_pump: one track for one week of the charts, on accounts that also listen honestly.

Who runs it: agencies before a chart closes, and organised fans with instructions. Charts count a limited number of
plays of a track per person and day (Official Charts Company, UK, June 2014: ten), so an adaptive pump stays near ten
and puts other songs between. It earns a place in the chart, not royalties. What would show it: a track whose streams
per listener jump for seven days, in accounts that share nothing else.
"""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.schedule import waking
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.listeners.listening import Setting
from runtime.units import DAY_MS

PUMP_DAYS = 7
ARTISTS = (0.005, 0.05)
"""Places among the artists by popularity of one who could reach a chart with help."""


class ChartPump:
    """Parameters: `plays_a_day` of the track by one account, `fillers` other songs between two plays of it."""

    name = "chart_pump"
    accounts = 20
    keeps_cover = True
    params = ("plays_a_day", "fillers", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return -(-days // PUMP_DAYS)

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        """Choose the newest track of an artist, and a week for each campaign."""
        catalogue, calendar = setting.catalogue, setting.calendar
        artist = int(len(catalogue.n_tracks) * rng.uniform(*ARTISTS))
        tracks = catalogue.first_track[artist] + np.arange(catalogue.n_tracks[artist])
        age = catalogue.released_days[tracks]
        campaign.target_artist = artist
        campaign.tracks = tracks[[np.argmin(np.where(age > 0, age, 1 << 30))]].astype(np.int32)
        week = campaign.number % self.campaigns_needed(calendar.days)
        campaign.starts_ms = calendar.starts_ms + week * PUMP_DAYS * DAY_MS
        campaign.ends_ms = min(campaign.starts_ms + PUMP_DAYS * DAY_MS, calendar.ends_ms)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        fillers = campaign.param("fillers", 0, 3)
        plays = campaign.param("plays_a_day", 60, 10) * (1 + fillers)
        a_day = 2 + 2 * (1 - hard)
        minutes = plays * 3.2 / a_day
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, minutes, rng)
        windows = windows[(windows[:, 0] >= campaign.starts_ms) & (windows[:, 1] < campaign.ends_ms)]
        script = manners(hard, tracks=campaign.tracks, camouflage=fillers / (1 + fillers), share_cut=0.1 * hard)
        return perform(windows, script, account, setting, rng)
