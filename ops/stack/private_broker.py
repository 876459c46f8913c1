"""A world on a private embedded broker, next to whatever else runs on this machine: for demo, bench and pictures.

Each such command has a world of its own, which it begins anew: two of them at once would remove each other's data.
"""

import os
import shutil
from pathlib import Path

from pydantic import SecretStr

from ops.errors import StackError
from ops.stack import ports
from ops.stack.supervisor import Supervisor
from producer.replay.ledger import FILE_NAME as LEDGER
from runtime import jvm
from runtime.file_lock import hold_lock, keep_lock
from runtime.settings import Settings
from runtime.world import Unit, World
from spark_app.checks.job_lock import FILE as JOB_LOCK


def with_private_broker(settings: Settings, world: str) -> Settings:
    """Return the settings for a world on an embedded broker, which speaks plain text, on a free port.

    The world is this process's until it ends. Raises StackError where another has it.
    """
    keep_world(settings.data / world)
    address = f"{ports.LOOPBACK}:{ports.free_port()}"
    return settings.model_copy(update={"world": world, "broker": address, "security": SecretStr("")})


def keep_world(folder: Path) -> None:
    """Keep a world for this process until it ends. Raises StackError where another command that begins it anew runs."""
    refusal = (
        f"world {folder.name} is in use by a command that still runs: wait until it ends, "
        f"or give this one a folder of its own with PLAYPROOF_DATA"
    )
    # next to the folder: a command that ends before there is a world leaves none
    keep_lock(folder.with_name(f".{folder.name}.lock"), StackError(refusal))
    _require_idle(folder.resolve())


def _require_idle(folder: Path) -> None:
    """Raise StackError where a job or a replay is at work on a world, or `playproof up` runs it."""
    name = folder.name
    if Supervisor(folder / "run").pid() is not None:
        raise StackError(f"world {name} is up, and this command begins it anew: run  playproof down --world {name}")
    for file in (*folder.glob(f"v*/{JOB_LOCK}"), *folder.glob(f"v*/ledger/{LEDGER}")):
        work = "a job" if file.name == JOB_LOCK else "a replay"
        refusal = f"{work} is at work on world {name}, and this command begins it anew: stop it first"
        with hold_lock(file, StackError(refusal)):
            pass


def command_environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which every command works on these settings."""
    return (
        {"PLAYPROOF_SPARK_JVM_FLAGS": jvm.QUICK_FLAGS}  # what runs for minutes is ready sooner
        | os.environ
        | {
            "PLAYPROOF_WORLD": settings.world,
            "PLAYPROOF_DATA": str(settings.data.resolve()),
            "PLAYPROOF_BROKER": settings.broker,
            "PLAYPROOF_SECURITY": settings.security.get_secret_value(),
        }
    )


def start_only_version(world: World) -> Unit:
    """Begin a new version of a world and remove the old ones, so that one run is left on the disk."""
    unit = world.start_version()
    for old in world.root.glob("v*"):
        if old != unit.root and old.is_dir():
            shutil.rmtree(old)
    return unit
