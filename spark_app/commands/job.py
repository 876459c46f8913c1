"""The commands of the streaming job: job run, and one contender of the bench."""

import json
from pathlib import Path
from typing import Annotated

import typer

from contracts.domain import SHOP
from runtime.command_line import AsJson, Command, WorldName, settings_for
from spark_app.commands.model_options import Model, Threshold, TrustedHash
from spark_app.errors import JobError


def run(
    world: WorldName = None,
    model: Model = None,
    sha256: TrustedHash = None,
    threshold: Threshold = None,
    in_shadow: Annotated[
        bool, typer.Option("--shadow/--no-shadow", help="Let the challenger score in the shadow, if there is one.")
    ] = True,
    only: Annotated[list[str] | None, typer.Option(help="Run only these queries (repeat the option).")] = None,
    available_now: Annotated[
        bool, typer.Option("--available-now", help="Stop once everything now in the topics is done.")
    ] = False,
    max_messages: Annotated[int, typer.Option(min=1, help="Most messages of a topic per micro-batch.")] = 3000,
    partitions: Annotated[
        int | None, typer.Option(min=1, help="Shuffle partitions; default: cores. Frozen at first run.")
    ] = None,
    memory: Annotated[str, typer.Option(help="Driver memory.")] = "3g",
    ui: Annotated[bool, typer.Option("--ui", help="Serve Spark's own pages on 127.0.0.1:4040.")] = False,
    master: Annotated[
        str | None, typer.Option(help="A cluster's address, spark://host:port; default PLAYPROOF_SPARK_MASTER.")
    ] = None,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve Prometheus metrics on PLAYPROOF_METRICS_PORT.")
    ] = False,
    is_patient: Annotated[
        bool, typer.Option("--wait-for-broker", help="Wait for the broker as long as it takes; else 10 s.")
    ] = False,
    idle_after: Annotated[
        float | None,
        typer.Option(min=0, help="A shop: stop so many seconds after the last row, once no session is open."),
    ] = None,
) -> None:
    """Score sessions from Kafka until Ctrl-C; the next run continues from its checkpoint."""
    from spark_app.artefacts import ModelChoice
    from spark_app.start import RunOptions, run_job

    settings = settings_for(world)
    if settings.existing_world().domain == SHOP:
        from spark_app.shop.start import ShopOptions, run_shop

        of_music = {"only": only, "no-shadow": not in_shadow, "partitions": partitions}
        if used := [name for name, value in of_music.items() if value]:
            raise JobError(f"the job of a shop has no --{used[0]}: leave it out")
        shop = ShopOptions(
            ModelChoice(model, sha256, threshold),
            available_now,
            idle_after,
            memory,
            master,
            ui,
            metrics,
            max_messages,
            is_patient,
        )
        run_shop(settings, shop)
        print("stopped cleanly; the next run continues from here", flush=True)
        return
    if idle_after is not None:
        raise JobError("only the job of a shop has --idle-after: stop this one with Ctrl-C, or use --available-now")
    options = RunOptions(
        model=ModelChoice(model, sha256, threshold),
        with_shadow=in_shadow,
        only=tuple(only or ()),
        available_now=available_now,
        max_messages=max_messages,
        partitions=partitions,
        memory=memory,
        master=master,
        serve_ui=ui,
        serve_metrics=metrics,
        is_patient=is_patient,
    )
    run_job(settings, options)
    print("stopped cleanly; the next run continues from here", flush=True)


def show(
    world: WorldName = None,
    last: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only flagged ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the newest predictions: rawPrediction, probability, prediction, and the reasons. Needs no Spark."""
    from spark_app import last_predictions

    settings = settings_for(world)
    rows = last_predictions.read_newest(settings.existing_world(), last, is_flagged=flagged)
    if as_json:
        print(json.dumps(last_predictions.to_json(rows), indent=1))
    else:
        print(last_predictions.format_table(rows, settings.time_zone))


def bench_one(
    contender: Annotated[str, typer.Option(help="Which one; a wrong name lists them.")],
    out: Annotated[Path, typer.Option(help="File to write what it did to, as JSON.")],
    world: WorldName = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Cores and shuffle partitions; default all.")] = None,
    memory: Annotated[str, typer.Option(help="Driver memory.")] = "3g",
    max_messages: Annotated[int, typer.Option(min=1, help="Most messages of a topic in a micro-batch.")] = 3000,
) -> None:
    """Read both topics to their end as one contender of `playproof bench` does; that command runs all of them."""
    from spark_app.bench import command as the_contender

    settings = settings_for(world)
    settings.existing_world()
    the_contender.bench_one(settings, contender, out, cores, memory, max_messages)


RUN = Command("run", run, "playproof job run --world demo", needs_jvm=True)
SHOW = Command("show", show, "playproof job show --world demo --last 20")
BENCH_ONE = Command(
    "bench-one",
    bench_one,
    "playproof bench-one --contender minimal_spark --world bench --out minimal.json",
    is_hidden=True,
    needs_jvm=True,
)
