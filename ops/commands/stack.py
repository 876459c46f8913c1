"""Commands around the processes on this machine: start, ask, follow, stop."""

import json
from typing import Annotated

import typer

from ops.errors import StackError
from runtime.command_line import AsJson, Command, WorldName, settings_for


def broker(world: WorldName = None) -> None:
    """Run the embedded broker of a world in the foreground; Ctrl-C or SIGTERM stops it."""
    from ops.stack.broker import LOG_NAME, become

    settings = settings_for(world)
    folder = settings.the_world().unit.broker
    print(f"broker at {settings.broker}, its log in {folder / LOG_NAME}; Ctrl-C stops it", flush=True)
    become(folder, settings.broker)


def up(
    world: WorldName = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin a new version of the world: empty topics and tables.")
    ] = False,
    reread: Annotated[
        bool,
        typer.Option(
            "--reread", help="Begin a new version with the same topics: the job reads them again from their start."
        ),
    ] = False,
) -> None:
    """Start broker and Spark job in the background; what runs already is left alone."""
    from ops.stack import lifecycle
    from runtime import terminal

    if fresh and reread:
        raise StackError("--fresh begins with empty topics, --reread with those that are there: give one of them")
    settings = settings_for(world)
    lifecycle.up(settings, terminal.print_line, fresh, reread)
    terminal.print_fields(lifecycle.addresses(settings))


def down(world: WorldName = None) -> None:
    """Stop what `up` started; it goes on from here next time."""
    from ops.stack import lifecycle

    settings = settings_for(world)
    settings.existing_world()
    if lifecycle.down(settings):
        print("stopped")
        return
    others = lifecycle.running_worlds(settings.data)
    hint = "; running: " + ", ".join(f"{name} (playproof down --world {name})" for name in others) if others else ""
    print(f"nothing of world {settings.world} was running{hint}")


def status(world: WorldName = None, as_json: AsJson = False) -> None:
    """Show what runs, how the job does (lag, lateness, state, batches), and where to find it all."""
    from ops.stack import job_health, lifecycle
    from runtime import terminal

    settings = settings_for(world)
    settings.existing_world()
    report = lifecycle.status(settings)
    if as_json:
        print(json.dumps(report, indent=2))
        return
    terminal.print_line(f"world {report['world']}, version {report['version']}")
    terminal.print_fields({p["name"]: f"{p['state']}, pid {p['pid']}, up {p['up_s']} s" for p in report["processes"]})
    answer = report["broker_refuses"]
    if report["broker_answers"]:
        answer = f"the broker at {settings.broker} answers"
        if report["broker_of"] not in (None, report["world"]):
            answer += f", and it is that of world {report['broker_of']}: see  playproof worlds"
    terminal.print_line(answer or "no broker answers: run  playproof up")
    terminal.print_fields(job_health.format_health(report["job"]))
    if queries := job_health.query_rows(report["job"]):
        terminal.print_table(job_health.QUERY_COLUMNS, queries)
    terminal.print_fields(report["addresses"])


def logs(
    programs: Annotated[list[str] | None, typer.Argument(help="broker, job, supervisord; default all.")] = None,
    lines: Annotated[int, typer.Option(min=0, help="How many lines of each.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    world: WorldName = None,
) -> None:
    """Show the last lines of the logs."""
    from ops.stack import lifecycle

    settings = settings_for(world)
    settings.existing_world()
    chosen = programs or ["supervisord", lifecycle.BROKER, lifecycle.JOB]
    lifecycle.show_logs(settings, chosen, lines, is_following=follow)


def console(world: WorldName = None) -> None:
    """Follow the Spark job's console; Ctrl-C leaves it, the job goes on."""
    from ops.stack import lifecycle

    settings = settings_for(world)
    settings.existing_world()
    lifecycle.show_logs(settings, [lifecycle.JOB], lines=200, is_following=True)


def worlds(as_json: AsJson = False) -> None:
    """List the worlds, and which of them runs."""
    from ops.stack.overview import COLUMNS, world_overview
    from runtime import terminal
    from runtime.settings import Settings

    settings = Settings()
    rows = world_overview(settings.data)
    if as_json:
        print(json.dumps([row.as_dict() for row in rows], indent=2))
    elif rows:
        terminal.print_table(COLUMNS, [row.cells(settings.world) for row in rows])
        terminal.print_line(f"commands without --world work on {settings.world} (PLAYPROOF_WORLD)")
    else:
        terminal.print_line("there is no world yet: run  playproof up  or  playproof simulate")


COMMANDS = (
    Command("up", up, "playproof up --world w --fresh", needs_jvm=True),
    Command("down", down, "playproof down --world w"),
    Command("status", status, "playproof status --json"),
    Command("worlds", worlds, "playproof worlds"),
    Command("logs", logs, "playproof logs job --lines 50 --follow"),
    Command("console", console, "playproof console"),
)
BROKER = Command("broker", broker, "playproof broker --world w", needs_jvm=True)
