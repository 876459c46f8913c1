"""Commands of the lab: which technique finds the bots best."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, existing_world, seed_option
from runtime.settings import Settings


def run(
    world: Annotated[str, typer.Option(help="World to study.")] = "lab",
    other: Annotated[list[str] | None, typer.Option(help="A further world, of another seed or difficulty.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default data/lab.")] = None,
    page: Annotated[Path | None, typer.Option(help="A page whose tables to renew.")] = None,
    parts: Annotated[int, typer.Option(min=2, help="Parts the accounts are dealt into.")] = 2,
    draws: Annotated[int, typer.Option(min=2, help="Resamples behind an interval.")] = 200,
    seed: Annotated[int, seed_option("Seed of splits, models and resamples.")] = 1,
) -> None:
    """Report which technique finds the bots best, and whom it accuses wrongly. `make lab` makes the worlds it needs."""
    from models.lab.progress import progress_reporter
    from models.lab.report.page import publish
    from models.lab.run import StudySize, run_worlds

    worlds = [existing_world(name) for name in (world, *(other or []))]
    folder, size = out or Settings().data / "lab", StudySize(parts=parts, draws=draws)
    with progress_reporter() as report_progress:
        results = run_worlds(worlds, folder, report_progress, seed=seed, size=size)
    if page is not None:
        publish(folder, page)
    winner = results["winner"]
    print(f"winner            {winner['technique']}: average precision {winner['seen']['ap']['value']:.3f} seen")
    print(f"results           {folder}/results.json, results.parquet, figures")


def netflix(
    world: Annotated[str, typer.Option(help="World whose account-days to use.")] = "lab",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default data/lab/netflix.")] = None,
    seed: Annotated[int, seed_option("Seed of folds, models and draws.")] = 1,
    rows: Annotated[int, typer.Option(min=500, help="Most account-days for the supervised models.")] = 8000,
    page: Annotated[Path | None, typer.Option(help="A page to renew; figures go to media/netflix next to it.")] = None,
) -> None:
    """Run the framework of arXiv 2203.02124 on account-days: three tables, figures, and what models correct."""
    from models.lab.netflix.page import publish, split_page
    from models.lab.netflix.run import run_netflix_study
    from models.lab.progress import progress_reporter
    from models.lab.protocol import WEEK
    from models.lab.table import build_lab_table

    chosen, folder = existing_world(world), out or Settings().data / "lab" / "netflix"
    with progress_reporter() as report_progress:
        if page is not None:
            split_page(page)  # before the minutes that the models take
        report_progress(f"reading world {world}")
        # of the features only the accounts of a device look back, and a week shows most of them
        days = build_lab_table(chosen, chosen.root / "table", seed, history=WEEK)
        run_netflix_study(days, folder, report_progress, seed=seed, max_rows=rows)
    if page is not None:
        publish(folder, page, page.parent / "media" / "netflix")
    print(f"report            {folder}/report.md; results.json, results.parquet, figures")


def sequences(
    world: Annotated[str, typer.Option(help="World with a session log, or with simulated activity.")] = "crm",
    seed: Annotated[int, seed_option("Seed of parts, models and resamples.")] = 1,
    draws: Annotated[int, typer.Option(min=2, help="Resamples behind an interval.")] = 200,
    prevalence: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of fraud to weight to; default the world's own.")
    ] = None,
) -> None:
    """Compare detectors of sequences: Markov chains, hidden Markov models, recurrent and adversarial networks."""
    from models.lab.progress import progress_reporter
    from models.lab.sequences.detectors import INSTALL, detectors, missing_packages
    from models.lab.sequences.report import as_markdown, summary
    from models.lab.sequences.study import study_sequences
    from models.lab.sequences.table import read_sequences

    table = read_sequences(existing_world(world))
    with progress_reporter() as report_progress:
        results = study_sequences(table, detectors(), report_progress, seed=seed, draws=draws, prevalence=prevalence)
    print(f"{summary(results)}\n\n{as_markdown(results)}")
    if missing := missing_packages():
        print(f"\nhidden Markov models and networks did not run: {', '.join(missing)} missing; run  {INSTALL}")


COMMANDS = (
    Command("run", run, "playproof lab run --world lab --other lab-hard --page docs/studies/lab.md"),
    Command("netflix", netflix, "playproof lab netflix --world categories --page docs/netflix.md"),
    Command("sequences", sequences, "playproof lab sequences --world crm"),
)
