"""The command `job replay-rejected`."""

from pathlib import Path
from typing import Annotated

import typer

from contracts.domain import MUSIC
from runtime.command_line import Command, WorldName, settings_for


def replay_rejected(
    world: WorldName = None,
    reason: Annotated[str, typer.Option(help="Only rows whose reason has this text in it.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the rows that still break a rule to this file.")] = None,
    repaired: Annotated[
        Path | None, typer.Option(help="Rows to send in place of the rejected ones: a file of --out, repaired.")
    ] = None,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; send nothing.")] = False,
) -> None:
    """Send rejected rows again that keep the rules now; each is sent once, however often this is run."""
    from ops.resend.dead_letters import read_repaired
    from ops.resend.resend import resend
    from runtime import terminal
    from runtime.kafka.access import require_topics, wait_until_up
    from runtime.kafka.worlds import require_own_broker

    settings = settings_for(world)
    the_world, kafka = settings.existing_world(), settings.kafka()
    the_world.require_domain(MUSIC, "playproof job replay-rejected")
    rows = read_repaired(repaired) if repaired else None
    wait_until_up(kafka)
    require_own_broker(kafka, the_world)
    require_topics(kafka, read=MUSIC.topics, write=MUSIC.topics)
    result = resend(the_world, kafka, reason=reason, repaired=rows, out=out, is_dry=is_dry)
    counts = {
        "would be sent" if is_dry else "sent": result.sent,
        "sent before": result.sent_before,
        "still rejected": result.still_rejected,
        "no longer in the topic": result.gone,
    }
    reasons = sorted({reason for of_reason in counts.values() for reason in of_reason})
    if reasons:
        table = [(reason, *(f"{of_reason[reason]:,}" for of_reason in counts.values())) for reason in reasons]
        terminal.print_table(("reason", *counts), table)
    sent = result.sent.total()
    verb = "would be sent" if is_dry else "sent again"
    terminal.print_line(
        f"{sent:,} rows {verb}" + (f"; {result.late:,} are before the watermark, so in no session" if sent else "")
    )
    if out is not None:
        terminal.print_line(f"what is still rejected is in {out}: repair its rows, then use  --repaired {out}")


REPLAY_REJECTED = Command("replay-rejected", replay_rejected, "playproof job replay-rejected --world w --dry-run")
