"""Commands that check and measure the whole: reconcile, bench, bench-desk, latency, soak, soak-plot, chaos, doctor."""

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from ops.errors import StackError
from runtime.command_line import AsJson, Command, WorldName, seed_option, settings_for
from runtime.settings import Settings

Codec = Literal["producer", "gzip", "snappy", "lz4", "zstd"]
FloodRows = Annotated[int, typer.Option(min=10_000, help="Rows that the highest rate is measured with.")]


def reconcile(world: WorldName = None, as_json: AsJson = False) -> None:
    """Account for every row sent: in sessions, late, duplicate, rejected, open or lost; exit 1 on any fault."""
    from ops.reconcile.command import run

    settings = settings_for(world)
    settings.existing_world()
    if not run(settings, as_json):
        raise typer.Exit(1)


def bench(
    rows: Annotated[int, typer.Option(min=1, help="At least so many plays and activity rows.")] = 6_000_000,
    days: Annotated[int, typer.Option(min=1, help="Days they fall into.")] = 3,
    users: Annotated[int | None, typer.Option(min=1, help="Accounts; default as many as the rows need.")] = None,
    scenario: Annotated[str, typer.Option(help="Scenario that the world follows.")] = "default",
    seed: Annotated[int, seed_option("Seed of the world.")] = 7,
    cores: Annotated[int, typer.Option(min=1, help="Cores of each contender.")] = os.cpu_count() or 2,
    memory: Annotated[str, typer.Option(help="Driver memory of each contender.")] = "6g",
    max_messages: Annotated[int, typer.Option(min=1, help="Maximum of messages of a topic per micro-batch.")] = 3000,
) -> None:
    """Measure rows per second: a bare consumer, a minimal Spark job, our scoring without and with model, our job."""
    from ops.bench import bench as the_bench
    from ops.bench import report
    from runtime import terminal

    settings = Settings()
    parameters = the_bench.BenchParameters(rows, days, users, scenario, seed, cores, memory, max_messages)
    results = the_bench.run(settings, parameters, terminal.print_line)
    terminal.print_table(report.COLUMNS, report.table_rows(results["contenders"]))
    written = settings.model_copy(update={"world": the_bench.WORLD}).the_world().root / "results.json"
    terminal.print_summary(report.remarks(results), {"figures": written})
    if results["faults"]:
        raise StackError("a contender did not do all of the work: " + "; ".join(results["faults"]))


def latency(
    users: Annotated[int, typer.Option(min=1, help="Accounts of the world.")] = 20_000,
    days: Annotated[int, typer.Option(min=1, help="Days of the world; it is sent again when it ends.")] = 3,
    seed: Annotated[int, seed_option("Seed of the world.")] = 7,
    seconds: Annotated[float, typer.Option(min=1, help="How long each rate is held.")] = 60.0,
    flood_rows: FloodRows = 400_000,
    with_alerts: Annotated[
        bool, typer.Option("--alerts/--no-alerts", help="Measure alerts by family too, in world alerts-test.")
    ] = True,
) -> None:
    """Measure seconds from the producer to a row in alerts and in sessions, at three rates, with a real job."""
    from ops.latency import measure, report
    from runtime import terminal

    settings = Settings()
    parameters = measure.LatencyParameters(users, days, seed, seconds, flood_rows)
    alerts = measure.AlertParameters() if with_alerts else None
    results = measure.run(settings, parameters, terminal.print_line, alerts)
    terminal.print_table(report.COLUMNS, report.table_rows(results["by_rate"]))
    written = settings.model_copy(update={"world": measure.WORLD}).the_world().root / "results.json"
    terminal.print_summary(report.remarks(results), {"figures": written})


def soak(
    minutes: Annotated[float, typer.Option(min=0.2, help="How long the rate is held.")] = 60.0,
    rows_per_s: Annotated[float | None, typer.Option(min=1, help="Default: half of the highest rate.")] = None,
    users: Annotated[int, typer.Option(min=1, help="Accounts of the world.")] = 200_000,
    days: Annotated[int, typer.Option(min=1, help="Days of the world; it is sent again when it ends.")] = 10,
    seed: Annotated[int, seed_option("Seed of the world.")] = 7,
    flood_rows: FloodRows = 2_000_000,
    compression: Annotated[Codec, typer.Option(help="Codec in which the broker keeps messages.")] = "producer",
) -> None:
    """Run a real job at a steady rate for long: its files, memory, state and latency, then account for every row."""
    from ops.soak import outcome
    from ops.soak import soak as the_soak
    from runtime import terminal

    settings = Settings()
    parameters = the_soak.SoakParameters(minutes, rows_per_s, users, days, seed, flood_rows, compression)
    results = the_soak.run(settings, parameters, terminal.print_line)
    root = settings.model_copy(update={"world": the_soak.WORLD}).the_world().root
    files = {"figures": root / "results.json", "picture": root / the_soak.PICTURE}
    terminal.print_summary(outcome.remarks(results), files)
    if failures := outcome.failures(results):
        raise StackError("; ".join(failures))


def soak_plot(
    frames: Annotated[int, typer.Option(min=4, help="Frames, one per second: an hour has 3,600.")] = 3600,
    real_time: Annotated[bool, typer.Option("--real-time", help="Rest until each frame's second has come.")] = False,
    picture: Annotated[Path | None, typer.Option(dir_okay=False, help="Where to keep the last frame, a PNG.")] = None,
) -> None:
    """Draw the live plot for an hour, without a broker, and show what a frame costs in each quarter of it."""
    from ops.soak import plot
    from runtime import terminal

    costs, minutes = plot.draw_frames(frames, real_time, picture)
    terminal.print_table(plot.COLUMNS, plot.by_quarter(costs))
    print(f"{len(costs):,} frames in {minutes:.1f} min")


def bench_desk() -> None:
    """Measure the analyst's pages with 100,000 flagged sessions: queue, search, a ring, five open pages."""
    from ops.desk_bench import measure
    from runtime import terminal

    terminal.print_table(measure.COLUMNS, measure.run(Settings(), terminal.print_line))


def chaos(
    minutes: Annotated[float, typer.Option(min=0.5, help="How long processes are killed.")] = 10.0,
    seed: Annotated[int, seed_option("Seed of the world and of the kills.")] = 1,
    users: Annotated[int, typer.Option(min=150, help="Accounts of the world.")] = 200,
) -> None:
    """Kill job, broker and replay of a small world at random moments, then account for every row."""
    from ops.chaos import chaos as the_chaos
    from runtime import terminal

    settings = Settings()
    results = the_chaos.run(settings, the_chaos.ChaosParameters(minutes, seed, users), terminal.print_line)
    written = settings.model_copy(update={"world": the_chaos.WORLD}).the_world().root / "results.json"
    terminal.print_summary(the_chaos.remarks(results), {"figures": written})
    if failures := the_chaos.failures(results):
        raise StackError("; ".join(failures))


def cluster_test(
    minutes: Annotated[float, typer.Option(min=1, help="How long rows are sent while parts fail.")] = 6.0,
    seed: Annotated[int, seed_option("Seed of the world.")] = 1,
    users: Annotated[int, typer.Option(min=150, help="Accounts of the world.")] = 200,
) -> None:
    """Run a Spark cluster that shares a bucket and Kafka only, let its parts fail, then account for every row.

    Needs Linux, and root or unprivileged user namespaces: each worker has a network and files of its own.
    """
    from ops.cluster import network
    from ops.cluster import run as the_cluster
    from runtime import terminal

    if not network.is_inside():
        network.enter(["cluster-test", "--minutes", str(minutes), "--seed", str(seed), "--users", str(users)])
    settings = Settings()
    results = the_cluster.run(settings, the_cluster.ClusterParameters(minutes, users, seed), terminal.print_line)
    written = settings.model_copy(update={"world": the_cluster.WORLD}).the_world().root / "results.json"
    terminal.print_summary(the_cluster.remarks(results), {"figures": written})
    if failures := the_cluster.failures(results):
        raise StackError("; ".join(failures))


def doctor(as_json: AsJson = False) -> None:
    """Show what this machine has of what is needed, and the remedy of what is missing; exit 1 then."""
    from ops.doctor import examine, is_healthy

    findings = examine(Settings())
    if as_json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        print("\n".join(finding.line for finding in findings))
    if not is_healthy(findings):
        raise typer.Exit(1)


RECONCILE = Command("reconcile", reconcile, "playproof reconcile --json")
BENCH = Command(
    "bench",
    bench,
    "playproof bench --rows 80000 --scenario demo --users 2000 --days 1 --max-messages 100",
    needs_jvm=True,
)
LATENCY = Command("latency", latency, "playproof latency --users 7000 --seconds 20 --flood-rows 60000", needs_jvm=True)
CLUSTER_TEST = Command("cluster-test", cluster_test, "playproof cluster-test --minutes 6", needs_jvm=True)
SOAK = Command("soak", soak, "playproof soak --minutes 10 --rows-per-s 2000", needs_jvm=True)
SOAK_PLOT = Command("soak-plot", soak_plot, "playproof soak-plot --frames 60 --picture last.png")
BENCH_DESK = Command("bench-desk", bench_desk, "playproof bench-desk")
CHAOS = Command("chaos", chaos, "playproof chaos --minutes 3 --seed 2", needs_jvm=True)
DOCTOR = Command("doctor", doctor, "playproof doctor --json")
