"""`python -m producer <command>`: all that surrounds the Spark job. The environment is read here, once."""

import json
import os
import signal
import sys
from typing import Annotated

import typer

from contracts.jvm import JvmError
from contracts.settings import Settings
from contracts.world import WorldError
from producer import simulate
from producer.errors import ProducerError, StackError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

World = Annotated[str | None, typer.Option("--world", help="The world to work on; default PLAYPROOF_WORLD, or main.")]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def settings_for(world: str | None) -> Settings:
    """Return the settings of the environment, with the world of the command line if one was given."""
    settings = Settings()
    return settings.model_copy(update={"world": world}) if world else settings


app.command()(simulate.simulate)


@app.command()
def calibrate(
    users: Annotated[int, typer.Option(min=200, help="Accounts of each world.")] = 4000,
    days: Annotated[int, typer.Option(min=14, help="Days of each world.")] = 42,
    seeds: Annotated[str, typer.Option(help="Seeds, with commas: a world for each.")] = "1,2,3",
    profiles: Annotated[str, typer.Option(help="Profiles of honest listening, with commas.")] = "spotify,kkbox",
    scenario: Annotated[str, typer.Option(help="Scenario that the worlds follow.")] = "default",
) -> None:
    """Hold simulated honest listening against published numbers, line by line; exit 1 where one is not met."""
    from producer.calibrate import calibrate as run

    folder = Settings().data.resolve() / "calibration"
    run(folder, scenario, profiles.split(","), [int(seed) for seed in seeds.split(",")], users, days, print)


@app.command()
def leakscan(
    users: Annotated[int, typer.Option(help="Accounts of the world.")] = 4000,
    days: Annotated[int, typer.Option(help="Days of the world.")] = 28,
    prevalence: Annotated[float, typer.Option(help="Share of bot accounts: high, so each family has labels.")] = 0.12,
    scenario: Annotated[str, typer.Option(help="Scenario that the world follows.")] = "everything",
    profile: Annotated[str, typer.Option(help="Profile of honest listening.")] = "spotify",
    difficulty: Annotated[float | None, typer.Option(help="0 blatant to 1 adaptive; default the scenario's.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the world.")] = 1,
) -> None:
    """Scan every column and feature for give-aways, and print the ceiling of each family; exit 1 where one is found."""
    from producer.leakscan import leakscan as run
    from producer.simulator.scenario import load_scenario

    sizes = {"users": users, "days": days, "prevalence": prevalence, "seed": seed}
    chosen = load_scenario(scenario, **sizes, profile=profile, difficulty=difficulty)
    run(Settings().data.resolve() / "leakscan", chosen, print)


@app.command("setup-jars")
def setup_jars() -> None:
    """Fetch Java where there is none, and the jars of ivy.xml, each checked against jars.sha256."""
    from producer import jars, jre

    jre.ensure_java()
    fetched = jars.fetch()
    print(f"jars: {fetched} fetched and checked" if fetched else "jars: all there, checked")


@app.command()
def broker(world: World = None) -> None:
    """Run the embedded broker of a world in the foreground; Ctrl-C or SIGTERM stops it."""
    from producer.broker import LOG_NAME, become

    settings = settings_for(world)
    folder = settings.the_world().unit.broker
    print(f"broker at {settings.broker}, its log in {folder / LOG_NAME}; Ctrl-C stops it", flush=True)
    become(folder, settings.broker)


@app.command()
def topics() -> None:
    """Create the topics that are missing, with their explicit settings."""
    from producer.client import security_settings
    from producer.topics import create

    settings = Settings()
    made = create(settings.broker, security=security_settings(settings))
    print(f"topics made: {', '.join(made)}" if made else "topics: all there")


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what this machine has of what is needed, and the cure of what is missing; exits with 1 then."""
    from producer.doctor import examine, is_healthy

    findings = examine(Settings())
    if as_json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        print("\n".join(finding.line for finding in findings))
    if not is_healthy(findings):
        raise typer.Exit(1)


@app.command()
def up(
    world: World = None,
    fresh: Annotated[bool, typer.Option(help="Begin a new version of the world: empty topics and tables.")] = False,
) -> None:
    """Start broker and Spark job in the background; what runs already is left alone."""
    from producer import stack, terminal

    settings = settings_for(world)
    stack.up(settings, terminal.say, fresh)
    terminal.table(stack.addresses(settings))


@app.command()
def down(world: World = None) -> None:
    """Stop what `up` started; it goes on from here next time."""
    from producer import stack

    print("stopped" if stack.down(settings_for(world)) else "nothing was running")


@app.command()
def status(world: World = None, as_json: AsJson = False) -> None:
    """Say what runs, and where."""
    from producer import stack, terminal

    found = stack.status(settings_for(world))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    terminal.table({p["name"]: f"{p['state']}, pid {p['pid']}, up {p['up_s']} s" for p in found["processes"]})
    terminal.say("the broker answers" if found["broker_answers"] else "no broker answers: make up")
    terminal.table(found["addresses"])


@app.command()
def logs(
    programs: Annotated[list[str] | None, typer.Argument(help="broker, job, supervisord; default all.")] = None,
    lines: Annotated[int, typer.Option(help="How many lines of each.")] = 20,
    follow: Annotated[bool, typer.Option(help="Go on until Ctrl-C.")] = False,
    world: World = None,
) -> None:
    """Show the last lines of the logs."""
    from producer import stack

    stack.follow(settings_for(world), programs or ["supervisord", stack.BROKER, stack.JOB], lines, keep_on=follow)


@app.command()
def console(world: World = None) -> None:
    """Follow the Spark job's console; Ctrl-C leaves it, the job goes on."""
    from producer import stack

    stack.follow(settings_for(world), [stack.JOB], lines=200, keep_on=True)


@app.command()
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
) -> None:
    """Send a world's plays and activity in batches of 200 plays; go on where an earlier replay stopped."""
    from producer.faults import Faults
    from producer.replay_command import run

    settings = settings_for(world)
    faults = Faults(late_share, late_by, duplicate_share, corrupt_share, seed)
    run(settings, faults, interval=interval, speed=speed, batches=batches, is_fresh=fresh)


@app.command()
def demo() -> None:
    """Show the whole thing in a few minutes: 2,000 listeners, an attack, broker, Spark job, live plot, a summary."""
    from producer import demo as the_demo
    from producer import terminal

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that every process is stopped
    settings = Settings(world=the_demo.WORLD)
    summary = the_demo.run(settings, terminal.say)
    root = settings.the_world().root
    terminal.summary(summary.words(), {"picture": root / "live.png", "figures": root / "summary.json"})
    if faults := summary.faults():
        raise StackError("the demo is not as it should be: " + "; ".join(faults))


@app.command()
def bench(
    rows: Annotated[int, typer.Option(min=1, help="At least so many plays and activity rows.")] = 6_000_000,
    days: Annotated[int, typer.Option(min=1, help="Days they fall into.")] = 7,
    users: Annotated[int | None, typer.Option(min=1, help="Accounts; default as many as the rows need.")] = None,
    scenario: Annotated[str, typer.Option(help="Scenario that the world follows.")] = "default",
    seed: Annotated[int, typer.Option(help="Seed of the world.")] = 7,
    cores: Annotated[int, typer.Option(min=1, help="Cores of each contender.")] = os.cpu_count() or 2,
    memory: Annotated[str, typer.Option(help="Driver memory of each contender.")] = "3g",
    max_messages: Annotated[int, typer.Option(min=1, help="Most messages of a topic in a micro-batch.")] = 3000,
) -> None:
    """Measure rows a second: a bare consumer, a minimal Spark job, our scoring with and without model, the whole job.

    For a small trial: python -m producer bench --rows 80000 --scenario demo --users 2000 --days 1 --max-messages 100
    """
    from producer import bench as the_bench
    from producer import bench_report, terminal

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that every process is stopped
    settings = Settings()
    parameters = the_bench.Parameters(rows, days, users, scenario, seed, cores, memory, max_messages)
    results = the_bench.run(settings, parameters, terminal.say)
    terminal.columns(bench_report.COLUMNS, bench_report.rows(results["contenders"]))
    written = settings.model_copy(update={"world": the_bench.WORLD}).the_world().root / "results.json"
    terminal.summary(bench_report.remarks(results), {"figures": written})
    if results["faults"]:
        raise StackError("a contender did not do all of the work: " + "; ".join(results["faults"]))


@app.command()
def audit(
    world: World = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the account as JSON.")] = False,
) -> None:
    """Account for every row sent: in sessions, late, duplicate, rejected, open or lost; exit 1 on any fault."""
    from producer.audit_command import run

    if not run(settings_for(world), as_json):
        raise typer.Exit(1)


def main() -> None:
    """Run a command; an error of a known kind is one line, not a traceback."""
    try:
        app()
    except (ProducerError, WorldError, JvmError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
