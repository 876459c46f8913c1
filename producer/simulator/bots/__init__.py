"""Bot families: one file each, registered here, worded in contracts/labels.py."""

from collections.abc import Iterable

from producer.simulator.bots.agent import Agent
from producer.simulator.bots.ai_flood import AiFlood
from producer.simulator.bots.boost import Boost
from producer.simulator.bots.catalog_spread import CatalogSpread
from producer.simulator.bots.chart_pump import ChartPump
from producer.simulator.bots.content_ripper import ContentRipper
from producer.simulator.bots.dormant import Dormant
from producer.simulator.bots.every_17h import Every17h
from producer.simulator.bots.family import BotFamily
from producer.simulator.bots.farm import Farm
from producer.simulator.bots.geo_vpn import GeoVpn
from producer.simulator.bots.hidden_target import HiddenTarget
from producer.simulator.bots.high_weeks import HighWeeks
from producer.simulator.bots.loop30 import Loop30
from producer.simulator.bots.low_slow import LowSlow
from producer.simulator.bots.marathon import Marathon
from producer.simulator.bots.masked import Masked
from producer.simulator.bots.payout_stop import PayoutStop
from producer.simulator.bots.playlist_farm import PlaylistFarm
from producer.simulator.bots.quiet_shift import QuietShift
from producer.simulator.bots.replay import Replay
from producer.simulator.bots.resold import Resold
from producer.simulator.bots.rotation import Rotation
from producer.simulator.bots.sabotage import Sabotage
from producer.simulator.bots.single_loop import SingleLoop
from producer.simulator.bots.sleep_ring import SleepRing
from producer.simulator.bots.sleepless import Sleepless
from producer.simulator.bots.takeover import Takeover

_ALL: tuple[BotFamily, ...] = (
    Loop30(),
    Marathon(),
    Masked(),
    Farm(),
    CatalogSpread(),
    LowSlow(),
    Takeover(),
    GeoVpn(),
    PlaylistFarm(),
    Boost(),
    ContentRipper(),
    Replay(),
    QuietShift(),
    HiddenTarget(),
    Rotation(),
    Dormant(),
    SleepRing(),
    Agent(),
    AiFlood(),
    ChartPump(),
    Sabotage(),
    PayoutStop(),
    SingleLoop(),
    HighWeeks(),
    Every17h(),
    Sleepless(),
    Resold(),
)
BOTS: dict[str, BotFamily] = {bot.name: bot for bot in _ALL}

FAMILY_NAMES = ["honest", *BOTS]
"""Families by code: the code of a row's truth. A new family comes last, so that no code changes."""
FIRST_CODES = 14
"""Codes of the families that every world's truth has had a word for from the start, honest among them."""


def family_words(families: Iterable[str]) -> tuple[str, ...]:
    """Return the words of truth, by code, for a world of some families.

    Words of later families are left out where no such family is in the world: a registry that grows does not change
    the bytes of the worlds before it.
    """
    return tuple(FAMILY_NAMES[: max([FIRST_CODES, *(FAMILY_NAMES.index(name) + 1 for name in families)])])
