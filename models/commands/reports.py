"""Commands that report on a world: evaluate, the daily report and its parts."""

from typing import Annotated

import orjson
import typer

from runtime.command_line import AsJson, Command, WorldName, existing_world, short_path

PlaysFrom = Annotated[str, typer.Option(help="Plays from lake, raw, or auto: the lake where it has any.")]


def evaluate(world: WorldName = None, as_json: AsJson = False) -> None:
    """Report how good the flags of a world are: precision, recall, per family and per hard negative."""
    from models.reports.evaluate import evaluate_sessions

    evaluation = evaluate_sessions(existing_world(world))
    print(_json(evaluation.as_dict()) if as_json else "\n".join(evaluation.lines()))


def run_days(
    world: WorldName = None,
    source: PlaysFrom = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the forest and of the random draws.")] = 1,
) -> None:
    """Find suspected user-days, campaigns, tracks and accounts; write tables, a review list and a report."""
    from models.reports.daily import run_daily
    from models.tables.plays import parse_source

    chosen = parse_source(source)
    daily = run_daily(existing_world(world), chosen, seed)
    print("\n".join(daily.lines))
    print(f"report            {short_path(daily.report)}; the review list is next to it (csv, parquet)")


def campaigns(
    world: WorldName = None,
    source: PlaysFrom = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the hash functions and of the chance graph.")] = 1,
) -> None:
    """Find groups of accounts that one operator seems to run; write table campaigns."""
    from models.reports.daily import format_campaigns, write_campaigns
    from models.tables.plays import parse_source, read_plays

    chosen, the_world = parse_source(source), existing_world(world)
    groups = write_campaigns(the_world, read_plays(the_world, chosen), seed)
    print("\n".join(format_campaigns(groups, the_world)))


def study_days(
    world: WorldName = None,
    seed: Annotated[int, typer.Option(help="Seed of the forest.")] = 1,
) -> None:
    """Compare rules, forest and hybrid on a world with truth, of over 28 days: what each catches and gets wrong."""
    from models.reports.daily import study_world

    print(study_world(existing_world(world), seed))


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


EVALUATE = Command("evaluate", evaluate, "playproof model evaluate --world demo")
RUN_DAYS = Command("run", run_days, "playproof days run --world demo")
CAMPAIGNS = Command("campaigns", campaigns, "playproof days campaigns --world demo --source raw")
STUDY_DAYS = Command("study", study_days, "playproof days study --world lab")
