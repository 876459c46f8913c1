"""The commands of holds: follow topic `actions`, print the royalty ledger."""

import csv
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, WorldName, log, settings_for

LedgerFile = Annotated[
    Path | None, typer.Option("--ledger", help="File of the ledger; default royalties.sqlite in the world's folder.")
]


def follow(
    world: WorldName = None,
    ledger: LedgerFile = None,
    once: Annotated[bool, typer.Option("--once", help="End when all that is in the topic now was read.")] = False,
) -> None:
    """Read topic actions as a payer would, and keep the royalty ledger: what is held, released and restored."""
    import contextlib

    from consumer_viz.royalties.follow import follow as follow_topic
    from consumer_viz.royalties.ledger import RoyaltyLedger

    settings = settings_for(world)
    file = RoyaltyLedger(ledger or settings.existing_world().royalties)
    with contextlib.suppress(KeyboardInterrupt):
        follow_topic(settings.kafka(), file, print, is_once=once)
    log(f"{len(file.rows(datetime.now(UTC))):,} rows in {file.path}, {file.unreadable():,} messages unreadable")


def ledger(world: WorldName = None, ledger: LedgerFile = None) -> None:
    """Print the royalty ledger as it is now, as CSV: euros held, released and restored by track and month."""
    from consumer_viz.errors import LedgerError
    from consumer_viz.royalties.ledger import LedgerRow, RoyaltyLedger
    from runtime.desk.spreadsheet import safe_cell

    path = ledger or settings_for(world).existing_world().royalties
    if not path.is_file():
        raise LedgerError(f"there is no royalty ledger {path} yet: run  playproof actions follow --once")
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(LedgerRow._fields)
    out.writerows(map(safe_cell, row.euros()) for row in RoyaltyLedger(path).rows(datetime.now(UTC)))


def dead(
    world: WorldName = None,
    retry: Annotated[bool, typer.Option("--retry", help="Send all of them again, as if they were new.")] = False,
) -> None:
    """List the actions that the webhook did not take after all its tries."""
    from consumer_viz.dashboard.decisions.store import VerdictStore
    from consumer_viz.dashboard.decisions.webhook import dead_deliveries, retry_dead

    store = VerdictStore(settings_for(world).existing_world().verdicts)
    for each in dead_deliveries(store):
        print(f"{each.dead_at}  {each.action_id}  {each.action}, case {each.case_id}, {each.tries} tries: {each.error}")
    if retry:
        log(f"{retry_dead(store)} in line again: a running  playproof desk  sends them")


COMMANDS = (
    Command("follow", follow, "playproof actions follow --world demo --once"),
    Command("ledger", ledger, "playproof actions ledger --world demo"),
    Command("dead", dead, "playproof actions dead --world demo --retry"),
)
