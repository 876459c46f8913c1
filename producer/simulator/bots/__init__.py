"""Bot families: one file each, registered here, worded in contracts/labels.py."""

from producer.simulator.bots.boost import Boost
from producer.simulator.bots.catalog_spread import CatalogSpread
from producer.simulator.bots.content_ripper import ContentRipper
from producer.simulator.bots.family import BotFamily
from producer.simulator.bots.farm import Farm
from producer.simulator.bots.geo_vpn import GeoVpn
from producer.simulator.bots.loop30 import Loop30
from producer.simulator.bots.low_slow import LowSlow
from producer.simulator.bots.marathon import Marathon
from producer.simulator.bots.masked import Masked
from producer.simulator.bots.playlist_farm import PlaylistFarm
from producer.simulator.bots.quiet_shift import QuietShift
from producer.simulator.bots.replay import Replay
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
)
BOTS: dict[str, BotFamily] = {bot.name: bot for bot in _ALL}

FAMILY_NAMES = ("honest", *BOTS)
"""Families by code: the code of a row's truth."""
