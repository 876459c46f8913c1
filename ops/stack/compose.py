"""The broker under Docker Compose, for machines where an engine answers; its version is the embedded broker's."""

import os
import shutil
import subprocess

from ops.errors import StackError
from ops.stack import ports
from runtime.resources import shipped
from runtime.settings import Settings

FILE_NAME = "docker-compose.yml"
PROFILE = "core"


def is_usable() -> bool:
    """Return whether a Docker engine answers and its client has Compose."""
    if shutil.which("docker") is None:
        return False
    try:
        return all(
            subprocess.run(["docker", *command], capture_output=True, timeout=10, check=False).returncode == 0
            for command in (["info"], ["compose", "version"])
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _compose(settings: Settings, *arguments: str) -> None:
    world = settings.the_world()
    environment = os.environ | {
        "PLAYPROOF_UNIT": f"{world.name}-v{world.unit.topics_version}",
        "PLAYPROOF_BROKER_PORT": str(ports.loopback_port(settings.broker)),
    }
    command = ["docker", "compose", "--file", str(shipped(FILE_NAME)), "--profile", PROFILE, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise StackError(f"docker compose {arguments[0]} failed ({message}): PLAYPROOF_DOCKER=0 does without Docker")


def up(settings: Settings) -> None:
    """Start the broker's container; whether it answers, a client asks sooner than its health check does."""
    _compose(settings, "up", "--detach")


def down(settings: Settings) -> None:
    """Stop and remove the container; the volume with its log stays, as the world's version does."""
    _compose(settings, "down")
