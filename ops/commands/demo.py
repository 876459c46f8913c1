"""The command `demo`."""

from enum import StrEnum
from typing import Annotated

import typer

from ops.errors import StackError
from runtime.command_line import Command
from runtime.settings import Settings


class DemoScenario(StrEnum):
    """Names for --scenario."""

    MUSIC = "music"
    SHOP = "shop"


def demo(
    scenario: Annotated[
        DemoScenario, typer.Option(help="music: 2,000 listeners and bots; shop: an online shop and fraud.")
    ] = DemoScenario.MUSIC,
) -> None:
    """Show the whole thing in a few minutes: a simulated day with fraud, broker, Spark job, live plot, a summary."""
    from runtime import terminal

    if scenario is DemoScenario.SHOP:
        from ops.demo import shop
        from ops.demo.shop_summary import prediction_rows

        settings = Settings(world=shop.WORLD)
        shop_summary = shop.run(settings, terminal.print_line)
        names = ("session", "customer", "probability of fraud", "prediction")
        terminal.print_table(names, prediction_rows(shop_summary.predictions))
        _finish(settings, shop_summary.lines(), shop_summary.faults())
        return
    from ops.demo import music

    settings = Settings(world=music.WORLD)
    summary = music.run(settings, terminal.print_line)
    _finish(settings, summary.lines(), summary.faults())


def _finish(settings: Settings, lines: list[str], faults: list[str]) -> None:
    from runtime import terminal

    root = settings.the_world().root
    terminal.print_summary(lines, {"picture": root / "live.png", "figures": root / "summary.json"})
    if faults:
        raise StackError("the demo is not as it should be: " + "; ".join(faults))


DEMO = Command("demo", demo, "playproof demo --scenario shop", needs_jvm=True)
