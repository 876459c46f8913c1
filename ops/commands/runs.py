"""Commands that send, show, measure and audit: replay, demo, bench, audit."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from ops.errors import StackError
from producer.commands import AsJson, Command, World, settings_for
from runtime.settings import Settings


def replay(
    world: World = None,
    interval: Annotated[float | None, typer.Option(help="Seconds from batch to batch; default 1.")] = None,
    speed: Annotated[
        float | None, typer.Option(help="Listener-seconds a second: 60 is sixty times real time, 0 is unpaced.")
    ] = None,
    batches: Annotated[int | None, typer.Option(min=1, help="Stop after this many batches; default all.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin a new version of the world first.")] = False,
    late_share: Annotated[float, typer.Option(help="Share of rows that come late.")] = 0.0,
    late_by: Annotated[float, typer.Option(help="How late they come, in minutes of event time.")] = 10.0,
    duplicate_share: Annotated[float, typer.Option(help="Share of batches sent twice.")] = 0.0,
    corrupt_share: Annotated[float, typer.Option(help="Share of rows made bad.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of these faults.")] = 0,
    metrics: Annotated[bool, typer.Option(help="Serve Prometheus metrics too, on PLAYPROOF_METRICS_PORT + 1.")] = False,
) -> None:
    """Send a world's plays and activity in batches of 200 plays; go on where an earlier replay stopped."""
    from producer.replay.command import run
    from producer.replay.faults.settings import Faults

    settings = settings_for(world)
    faults = Faults(late_share, late_by, duplicate_share, corrupt_share, seed)
    run(settings, faults, interval=interval, speed=speed, batches=batches, is_fresh=fresh, is_measured=metrics)


def demo() -> None:
    """Show the whole thing in a few minutes: 2,000 listeners, an attack, broker, Spark job, live plot, a summary."""
    from ops import demo as the_demo
    from runtime import terminal

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that every process is stopped
    settings = Settings(world=the_demo.WORLD)
    summary = the_demo.run(settings, terminal.say)
    root = settings.the_world().root
    terminal.summary(summary.words(), {"picture": root / "live.png", "figures": root / "summary.json"})
    if faults := summary.faults():
        raise StackError("the demo is not as it should be: " + "; ".join(faults))


def media(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("docs/media"),
) -> None:
    """Make the pictures of the live plot, a still and a film, from the last demo run."""
    from ops.tools.plot_pictures import make
    from runtime import terminal

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that every process is stopped
    pictures = make(Settings(), out, terminal.say)
    terminal.table({str(picture): f"{picture.stat().st_size / 1024:.0f} KB" for picture in pictures})


def bench(
    rows: Annotated[int, typer.Option(min=1, help="At least so many plays and activity rows.")] = 6_000_000,
    days: Annotated[int, typer.Option(min=1, help="Days they fall into.")] = 3,
    users: Annotated[int | None, typer.Option(min=1, help="Accounts; default as many as the rows need.")] = None,
    scenario: Annotated[str, typer.Option(help="Scenario that the world follows.")] = "default",
    seed: Annotated[int, typer.Option(help="Seed of the world.")] = 7,
    cores: Annotated[int, typer.Option(min=1, help="Cores of each contender.")] = os.cpu_count() or 2,
    memory: Annotated[str, typer.Option(help="Driver memory of each contender.")] = "6g",
    max_messages: Annotated[int, typer.Option(min=1, help="Most messages of a topic in a micro-batch.")] = 3000,
) -> None:
    """Measure rows a second: a bare consumer, a minimal Spark job, our scoring without and with model, our job."""
    from ops.bench import bench as the_bench
    from ops.bench import report
    from runtime import terminal

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that every process is stopped
    settings = Settings()
    parameters = the_bench.Parameters(rows, days, users, scenario, seed, cores, memory, max_messages)
    results = the_bench.run(settings, parameters, terminal.say)
    terminal.columns(report.COLUMNS, report.rows(results["contenders"]))
    written = settings.model_copy(update={"world": the_bench.WORLD}).the_world().root / "results.json"
    terminal.summary(report.remarks(results), {"figures": written})
    if results["faults"]:
        raise StackError("a contender did not do all of the work: " + "; ".join(results["faults"]))


def audit(
    world: World = None,
    as_json: AsJson = False,
) -> None:
    """Account for every row sent: in sessions, late, duplicate, rejected, open or lost; exit 1 on any fault."""
    from ops.reconcile.command import run

    if not run(settings_for(world), as_json):
        raise typer.Exit(1)


COMMANDS = (
    Command("replay", replay, "python -m ops replay --speed 60 --late-share 0.01"),
    Command("media", media, "python -m ops media --out docs/media"),
    Command("demo", demo, "python -m ops demo"),
    Command(
        "bench",
        bench,
        "a small trial: python -m ops bench --rows 80000 --scenario demo --users 2000 --days 1 --max-messages 100",
    ),
    Command("audit", audit, "python -m ops audit --json"),
)
