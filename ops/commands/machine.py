"""Commands around the processes on this machine: set up, start, ask, follow, stop."""

import json
from typing import Annotated

import typer

from producer.commands import AsJson, Command, World, settings_for
from runtime.settings import Settings


def setup_jars() -> None:
    """Fetch Java where there is none, and the jars of ivy.xml, each checked against jars.sha256."""
    from ops.setup import jars, jre

    jre.ensure_java()
    fetched = jars.fetch()
    print(f"jars: {fetched} fetched and checked" if fetched else "jars: all there, checked")


def broker(world: World = None) -> None:
    """Run the embedded broker of a world in the foreground; Ctrl-C or SIGTERM stops it."""
    from ops.stack.broker import LOG_NAME, become

    settings = settings_for(world)
    folder = settings.the_world().unit.broker
    print(f"broker at {settings.broker}, its log in {folder / LOG_NAME}; Ctrl-C stops it", flush=True)
    become(folder, settings.broker)


def topics() -> None:
    """Create the topics that are missing, with their explicit settings."""
    from producer.kafka.topics import create

    made = create(Settings().kafka())
    print(f"topics made: {', '.join(made)}" if made else "topics: all there")


def doctor(as_json: AsJson = False) -> None:
    """Say what this machine has of what is needed, and the cure of what is missing; exits with 1 then."""
    from ops.doctor import examine, is_healthy

    findings = examine(Settings())
    if as_json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        print("\n".join(finding.line for finding in findings))
    if not is_healthy(findings):
        raise typer.Exit(1)


def up(
    world: World = None,
    fresh: Annotated[bool, typer.Option(help="Begin a new version of the world: empty topics and tables.")] = False,
) -> None:
    """Start broker and Spark job in the background; what runs already is left alone."""
    from ops.stack import stack
    from runtime import terminal

    settings = settings_for(world)
    stack.up(settings, terminal.say, fresh)
    terminal.table(stack.addresses(settings))


def down(world: World = None) -> None:
    """Stop what `up` started; it goes on from here next time."""
    from ops.stack import stack

    print("stopped" if stack.down(settings_for(world)) else "nothing was running")


def status(world: World = None, as_json: AsJson = False) -> None:
    """Say what runs, how the job fares (lag, lateness, state, batches), and where to find it all."""
    from ops.stack import job_health, stack
    from runtime import terminal

    found = stack.status(settings_for(world))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    terminal.table({p["name"]: f"{p['state']}, pid {p['pid']}, up {p['up_s']} s" for p in found["processes"]})
    terminal.say(
        "the broker answers" if found["broker_answers"] else found["broker_refuses"] or "no broker answers: make up"
    )
    terminal.table(job_health.words(found["job"]))
    if queries := job_health.query_rows(found["job"]):
        terminal.columns(job_health.QUERY_COLUMNS, queries)
    terminal.table(found["addresses"])


def logs(
    programs: Annotated[list[str] | None, typer.Argument(help="broker, job, supervisord; default all.")] = None,
    lines: Annotated[int, typer.Option(help="How many lines of each.")] = 20,
    follow: Annotated[bool, typer.Option(help="Go on until Ctrl-C.")] = False,
    world: World = None,
) -> None:
    """Show the last lines of the logs."""
    from ops.stack import stack

    stack.follow(settings_for(world), programs or ["supervisord", stack.BROKER, stack.JOB], lines, keep_on=follow)


def console(world: World = None) -> None:
    """Follow the Spark job's console; Ctrl-C leaves it, the job goes on."""
    from ops.stack import stack

    stack.follow(settings_for(world), [stack.JOB], lines=200, keep_on=True)


COMMANDS = (
    Command("setup-jars", setup_jars, "python -m ops setup-jars"),
    Command("broker", broker, "python -m ops broker --world w"),
    Command("topics", topics, "python -m ops topics"),
    Command("doctor", doctor, "python -m ops doctor --json"),
    Command("up", up, "python -m ops up --world w --fresh"),
    Command("down", down, "python -m ops down --world w"),
    Command("status", status, "python -m ops status --json"),
    Command("logs", logs, "python -m ops logs job --lines 50 --follow"),
    Command("console", console, "python -m ops console"),
)
