"""The user-day pipeline in one command: what a world lacks is simulated and computed first."""

from typing import Annotated

import typer

from runtime.command_line import Command, WorldName, log, playproof, seed_option, settings_for, short_path
from runtime.world import World

STUDY_SCENARIO = "user-days"
Scenario = Annotated[
    str | None, typer.Option(help="Simulate this scenario into the world first, where there is no such world.")
]
Seed = Annotated[int, seed_option("Seed of the forest and of the random draws.")]


def run(
    world: WorldName = None,
    scenario: Scenario = None,
    source: Annotated[str, typer.Option(help="Plays from lake, raw, or auto: the lake where it has any.")] = "auto",
    seed: Seed = 1,
) -> None:
    """Find suspected user-days, campaigns, tracks and accounts; write tables, a review list and a report."""
    from models.reports.daily import run_daily
    from models.tables.plays import parse_source

    chosen = parse_source(source)
    daily = run_daily(prepare_world(world, scenario), chosen, seed)
    print("\n".join(daily.lines))
    print(f"report            {short_path(daily.report)}; the review list is next to it (csv, parquet)")


def study(world: WorldName = None, scenario: Scenario = None, seed: Seed = 1) -> None:
    """Compare rules, forest and hybrid on a world with truth, of over 28 days: what each catches and gets wrong.

    Without --world it is the world `user-days`, which is simulated where it is not there.
    """
    from models.reports.cases.page import tables, write_page
    from models.reports.cases.study import study_cases
    from models.reports.daily import study_world

    name = world or STUDY_SCENARIO
    target = prepare_world(name, scenario or (STUDY_SCENARIO if world is None else None))
    print(study_world(target, seed))
    results = study_cases(target, seed)
    page = write_page(target.unit.root / "study", results, f"The user-day study on world {target.name}")
    print(f"\n{tables(results)}\n\npage              {short_path(page)}")


def prepare_world(name: str | None, scenario: str | None) -> World:
    """Return a world that has user-days: simulate it if it does not exist and `scenario` says how; compute its days.

    Raw rows that no job has read get scored sessions and account windows too. Raises WorldError for a world that does
    not exist, StackError where a step fails, StorageError where its tables are to be elsewhere than they are.
    """
    from contracts.events import PLAYS
    from ops.stack.child_process import run_to_end
    from ops.stack.private_broker import command_environment
    from runtime.lake import listed_files
    from runtime.storage import attach
    from spark_app.batch import raw_evidence
    from spark_app.batch.lake_rows import TABLE, is_up_to_date

    settings = settings_for(name)
    target = settings.the_world()
    environment = command_environment(settings)
    if scenario is not None and not target.root.exists():
        log(f"simulating world {target.name}: scenario {scenario}")
        log(run_to_end(playproof("simulate", "--world", target.name, "--scenario", scenario), environment).strip())
    target = settings.existing_world()
    attach(target.unit.root, settings.storage)
    source = "lake" if listed_files(target.unit.table(PLAYS)) else "raw"
    if is_up_to_date(target.unit) if source == "lake" else listed_files(target.unit.table(TABLE)):
        return target  # where the rows were removed, their user-days stay
    missing = raw_evidence.missing_tables(target) if source == "raw" else [raw_evidence.USER_DAYS]
    if source == "raw" and missing and raw_evidence.fits_in_memory(target):
        tables = ", ".join(name.replace("_", " ") for name in missing)
        log(f"computing {tables} of world {target.name} from raw rows")
        raw_evidence.build(target, log)
    elif raw_evidence.USER_DAYS in missing:
        log(f"computing the user-days of world {target.name} from {source} rows")
        command = playproof("days", "build", "--world", target.name, "--source", source)
        log(run_to_end(command, environment).strip())
    return target


RUN = Command("run", run, "playproof days run --world demo")
STUDY = Command("study", study, "playproof days study")
