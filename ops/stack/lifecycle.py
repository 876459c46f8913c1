"""Start, show and stop the processes of a world, in their order: broker, topics, Spark job."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any, NoReturn

from contracts.domain import MUSIC
from ops.errors import StackError
from ops.stack import compose, job_health, ports
from ops.stack.supervisor import UP_OR_COMING, Supervisor
from runtime.command_line import playproof
from runtime.errors import AccessError, PlayproofError
from runtime.kafka.security import PLAINTEXT
from runtime.resources import code_changed_at
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import World, WorldError, world_names

BROKER, JOB = "broker", "job"
FIRST_WORLD = ("--scenario", "demo", "--users", "2000", "--days", "1")
"""What a new world is simulated from: a day with an attack in it, small enough to wait for."""
VERSION_FILE = "version"
BROKER_WITHIN_S, JOB_WITHIN_S = 60.0, 300.0
JOB_IS_UP = "scoring world"
"""What the Spark job prints before it starts its queries."""
SPARK_UI = "http://127.0.0.1:4040"
TAIL_LINES = 20


def supervisor_of(world: World) -> Supervisor:
    """Return the supervisor of a world's processes, running or not."""
    return Supervisor(world.root / "run")


def up(settings: Settings, report_progress: ReportProgress, is_fresh: bool = False, is_reread: bool = False) -> None:
    """Start what does not run yet: broker, topics, Spark job. A second call changes nothing.

    `is_fresh` begins a new version of the world: empty topics, lake and checkpoint. `is_reread` begins one with the
    same topics, which the job then reads again from their start. Raises StackError, BrokerError or JvmError with the
    reason; what did start keeps running for `status` and `logs`.
    """
    from producer.kafka import topics
    from runtime.kafka.access import wait_until_up
    from runtime.kafka.worlds import require_own_broker

    world = settings.the_world()
    supervisor = supervisor_of(world)
    if is_fresh:
        world.start_version()
    elif is_reread:
        reread(settings)
        report_progress(f"world {world.name} is at version {world.version} now: its topics are read from their start")
    if supervisor.pid() is not None and _running_version(supervisor) != world.version:
        report_progress(f"world {world.name} is at version {world.version} now: starting its processes again")
        supervisor.stop()
    supervisor.start(settings)
    (supervisor.run / VERSION_FILE).write_text(f"{world.version}\n")
    if changed := supervisor.changes(settings, code_changed_at()):
        report_progress(f"changed since: {', '.join(changed)}; it counts after  playproof down  and  playproof up")
    try:
        _begin_broker(settings, supervisor)
        _simulate_if_missing(world, report_progress)  # while the broker comes up
        if _is_embedded(settings):
            supervisor.launch(BROKER, BROKER_WITHIN_S)
        kafka = settings.kafka()
        wait_until_up(kafka)
        require_own_broker(kafka, world)
        report_progress(f"broker up at {settings.broker}")
        try:
            topics.create(kafka)
        except AccessError as error:
            # not ours to make; the job looks for those that it needs
            report_progress(f"topics left as they are: {error}")
        supervisor.launch(JOB, JOB_WITHIN_S, ready_message=JOB_IS_UP)
    except PlayproofError:
        is_anything_up = any(process.state in UP_OR_COMING for process in supervisor.processes())
        if not is_anything_up or not _has_static_tables(world):
            supervisor.stop()  # nothing runs that anybody could ask about
        raise
    except KeyboardInterrupt:
        states = ", ".join(f"{process.name} {process.state.lower()}" for process in supervisor.processes())
        report_progress(f"{states}: go on with  playproof up  or stop them with  playproof down  (world {world.name})")
        raise
    report_progress("Spark job up")


def reread(settings: Settings) -> None:
    """Stop what runs, and begin a version of the world that has its topics, with a new lake and checkpoints.

    Raises StackError where a broker that is not supervised holds the topics' files, ReplayError while a replay runs.
    """
    from producer.replay.ledger import Ledger

    world = settings.the_world()
    with Ledger(world.unit.ledger):
        down(settings)
        if _is_ours(settings) and ports.is_anyone_listening(settings.broker):
            raise StackError(f"a broker still runs at {settings.broker}: stop it first, then read its topics again")
        world.reread_version()


def _running_version(supervisor: Supervisor) -> int | None:
    """Return the version that the processes were started on; a replay with `--fresh` may have begun another since."""
    file = supervisor.run / VERSION_FILE
    try:
        return int(file.read_text()) if file.exists() else None
    except ValueError:  # a crash cut it: as if another version had begun since
        return None


def _begin_broker(settings: Settings, supervisor: Supervisor) -> None:
    """Start the broker in Docker, or begin to start the embedded one; one that is not ours only has to answer."""
    if _in_docker(settings):
        compose.up(settings)
    elif _is_embedded(settings):
        if supervisor.state(BROKER) == "STOPPED":
            ports.require_free(ports.loopback_port(settings.broker))
        supervisor.begin(BROKER)


def _is_ours(settings: Settings) -> bool:
    """Return whether the broker is one that we start: on loopback, in plain text."""
    return ports.is_loopback(settings.broker) and settings.kafka().security == PLAINTEXT


def _in_docker(settings: Settings) -> bool:
    return settings.docker and _is_ours(settings) and compose.is_usable()


def _is_embedded(settings: Settings) -> bool:
    return _is_ours(settings) and not _in_docker(settings)


def _simulate_if_missing(world: World, report_progress: ReportProgress) -> None:
    """Simulate the world if it has no static tables yet: the job joins them from its first session on."""
    if _has_static_tables(world):
        return
    report_progress(f"world {world.name} is new: simulating its listeners and their events")
    simulation = subprocess.run(playproof("simulate", "--world", world.name, *FIRST_WORLD), check=False)
    if simulation.returncode != 0:
        raise StackError(f"world {world.name} could not be simulated: see the line above")


def _has_static_tables(world: World) -> bool:
    try:
        return all(world.static(table) for table in world.domain.static)
    except WorldError:
        return False


def down(settings: Settings) -> bool:
    """Stop the job, then the broker, and return whether anything ran; no process is left behind."""
    had_processes = supervisor_of(settings.the_world()).stop()
    if _in_docker(settings):
        compose.down(settings)
        return True
    return had_processes


def running_worlds(data: Path) -> list[str]:
    """List the worlds of a data folder whose processes are supervised now."""
    return [name for name in world_names(data) if supervisor_of(World(data.resolve() / name)).pid() is not None]


def addresses(settings: Settings) -> dict[str, str]:
    """Return what a user may want to open: name -> address, path or command."""
    world = settings.the_world()
    pages = {"analyst's pages": "playproof desk"} if world.domain == MUSIC else {}
    return {
        "Kafka": settings.broker,
        "Spark's own pages": SPARK_UI,
        "tables": _short_path(world.unit.lake),
        "metrics of the job": f"http://{ports.LOOPBACK}:{settings.metrics_port}/metrics",
        "logs": _short_path(supervisor_of(world).run),
        "send events": "playproof replay",
        "live plot": "playproof plot live",
        **pages,
        "Spark console": "playproof console",
    }


def _short_path(path: Path) -> str:
    """Return a path as short as it can be written from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def status(settings: Settings) -> dict[str, Any]:
    """Return the state of the broker, the supervised processes and the job, and the addresses: what `--json` prints."""
    world = settings.the_world()
    is_up, refusal = _ask_broker(settings)
    ends = job_health.ends_of_topics(settings.kafka(), world.domain) if is_up else None
    return {
        "world": world.name,
        "version": world.version,
        "broker_answers": is_up,
        "broker_of": _world_of_broker(settings) if is_up else None,
        "broker_refuses": refusal,
        "processes": [p.as_dict() for p in supervisor_of(world).processes()],
        "job": job_health.job_health(world.unit, ends, time.time(), world.domain),
        "addresses": addresses(settings),
    }


def _ask_broker(settings: Settings) -> tuple[bool, str]:
    """Return whether the broker lets us in, and why it refuses us. Loads no Kafka client where nobody listens."""
    kafka = settings.kafka()
    if not ports.is_anyone_listening(settings.broker):
        return False, ""
    from runtime.kafka.access import answers

    try:
        return answers(kafka), ""
    except AccessError as error:
        return False, str(error)


def _world_of_broker(settings: Settings) -> str | None:
    """Return the world whose broker answers; None where it is not one of ours."""
    from runtime.kafka.worlds import world_at

    return world_at(settings.kafka(), settings.the_world())


def show_logs(settings: Settings, programs: list[str], lines: int = TAIL_LINES, is_following: bool = False) -> NoReturn:
    """Turn this process into a `tail` of the programs' logs; `is_following` goes on until Ctrl-C."""
    supervisor = supervisor_of(settings.the_world())
    logs = [str(supervisor.log(program)) for program in programs if supervisor.log(program).exists()]
    if not logs:
        raise StackError(f"there is no log of {', '.join(programs)} in world {settings.world}: run  playproof up")
    # -F goes on when supervisord rotates the log
    os.execvp("tail", ["tail", "-n", str(lines), *(["-F"] if is_following else []), *logs])
