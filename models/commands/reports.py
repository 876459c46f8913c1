"""Commands that report on a world: evaluate, and groups of accounts."""

from typing import Annotated

import orjson
import typer

from runtime.command_line import AsJson, Command, WorldName, existing_world, seed_option

PlaysFrom = Annotated[str, typer.Option(help="Plays from lake, raw, or auto: the lake where it has any.")]


def evaluate(world: WorldName = None, as_json: AsJson = False) -> None:
    """Report how good the flags of a world are: precision, recall, per family and per hard negative."""
    from models.reports.evaluate import evaluate_sessions

    evaluation = evaluate_sessions(existing_world(world))
    print(_json(evaluation.as_dict()) if as_json else "\n".join(evaluation.lines()))


def campaigns(
    world: WorldName = None,
    source: PlaysFrom = "auto",
    seed: Annotated[int, seed_option("Seed of hash functions and of the chance graph.")] = 1,
) -> None:
    """Find groups of accounts that one operator seems to run; write table campaigns."""
    from models.fusion.model import load_fusion
    from models.reports.daily import format_campaigns, write_campaigns
    from models.tables.plays import parse_source, read_plays

    chosen, the_world = parse_source(source), existing_world(world)
    groups = write_campaigns(the_world, read_plays(the_world, chosen), load_fusion(), seed)
    print("\n".join(format_campaigns(groups, the_world)))


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


EVALUATE = Command("evaluate", evaluate, "playproof model evaluate --world demo")
CAMPAIGNS = Command("campaigns", campaigns, "playproof days campaigns --world demo --source raw")
