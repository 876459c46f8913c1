"""ai_flood: a catalogue of machine-made tracks, new, short and many; every one is played a little, none stands out.

Who runs it: whoever generates music by the thousand and uploads it. Deezer (newsroom, 2025 and January 2026): 28 to
39 % of the tracks delivered in a day are wholly generated, they have .5 to 3 % of the streams, and 70 to 85 % of those
are fraudulent. What would show it: accounts whose artists have no other listeners, and records a few weeks old that
only these accounts know.
"""

from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import through_hosts
from producer.simulator.bots.schedule import waking, with_breaks
from producer.simulator.bots.script import MANNERS, manners, perform
from producer.simulator.bots.targets import newest, tail_list
from producer.simulator.listeners.listening import Setting

BLATANT_PLAYS, ADAPTIVE_SHARE = 400.0, 0.04
CANDIDATES = 3
"""A third of what is looked at is new enough."""


class AiFlood:
    """Parameters: `tracks` uploaded, `plays_a_day` of one account, `hosted` share of the sessions, `stretch_min`."""

    name = "ai_flood"
    accounts = 12
    keeps_cover = False
    params = ("tracks", "plays_a_day", "hosted", "stretch_min", *MANNERS)

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = min(int(campaign.param("tracks", 4_000, 2_000)), len(setting.catalogue.artist_of) // 8)
        campaign.tracks = newest(setting.catalogue, tail_list(setting.catalogue, rng, CANDIDATES * tracks), tracks)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        plays = campaign.params.get("plays_a_day", BLATANT_PLAYS * ADAPTIVE_SHARE**hard)
        longest_s = 60.0 + 200 * hard
        hours = plays * (31 + min(longest_s, 215)) / 2 / 3600
        a_day = max(hours / 3, 1.3)
        windows = waking(setting.calendar, account.place, account.chronotype, a_day, 60 * hours / a_day, rng)
        windows = with_breaks(windows, campaign.param("stretch_min", 180, 35), rng)
        # each account begins elsewhere in the catalogue, so that the plays are even over it
        script = manners(hard, tracks=campaign.tracks, is_looped=True, listen_s=(31.0, longest_s))
        run = perform(windows, script, account, setting, rng)
        through_hosts(run, setting, campaign.param("hosted", 0.8, 0.0), rng)
        return run
