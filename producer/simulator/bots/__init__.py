"""Bot families: one file each, registered here, worded in contracts/labels.py."""

from producer.simulator.bots.family import BotFamily
from producer.simulator.bots.farm import Farm
from producer.simulator.bots.loop30 import Loop30
from producer.simulator.bots.marathon import Marathon
from producer.simulator.bots.masked import Masked

BOTS: dict[str, BotFamily] = {bot.name: bot for bot in (Loop30(), Marathon(), Masked(), Farm())}

FAMILY_NAMES = ("honest", *BOTS)
"""Families by code: the code of a row's truth."""
