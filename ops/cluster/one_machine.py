"""The same topics, read by a job on one machine: on a disk that is full, and with state that is damaged.

Its tables and checkpoints are on a small disk of this process's mounts. Each fault has to end the job with one line;
once it is repaired, the job goes on from its checkpoint.
"""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from ops.cluster.network import call
from ops.errors import StackError
from ops.stack.child_process import last_line, run_to_end
from runtime.command_line import playproof
from runtime.world import Unit, World

FOLDER = "alone"
"""Folder of the world, for the data of this job."""
DISK = "64m"
LEFT_BYTES = 400_000
"""Room that is left on the full disk: for some micro-batches, and not for all."""
MESSAGES = "8"
"""Messages per micro-batch: many micro-batches, so that the disk is full in the middle."""


def twin(world: World) -> World:
    """Copy what a job needs of a world that reads the same topics: source and static tables, and the ledger."""
    alone = World(world.root / FOLDER / world.name)
    for part in ("raw", "static", "truth"):
        shutil.copytree(world.root / part, alone.root / part)
    alone.unit.root.mkdir(parents=True)
    call("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(alone.unit.root))
    shutil.copytree(world.unit.ledger, alone.unit.ledger)
    return alone


def read_alone(alone: World, environment: Mapping[str, str], memory: str, say: Callable[[str], None]) -> dict[str, str]:
    """Read the topics to their end; return what the job said of each fault. Raises StackError where it said nothing."""
    environment = {**environment, "PLAYPROOF_DATA": str(alone.root.parent), "PLAYPROOF_STORAGE": ""}
    environment["SPARK_LOCAL_IP"] = "127.0.0.1"
    job = playproof("job", "run", "--available-now", "--memory", memory, "--master", "local[2]")
    slow = [*job, "--max-messages", MESSAGES]
    said = {}
    ballast = fill(alone.unit.root, LEFT_BYTES)
    said["full disk"] = refusal(slow, environment, "No space left on device")
    say(f"full disk: {said['full disk']}")
    ballast.unlink()
    damaged = damage_state(alone.unit)
    said["damaged state"] = refusal(slow, environment, "")
    say(f"damaged state: {said['damaged state']}")
    for file, content in damaged.items():
        file.write_bytes(content)
    run_to_end(job, environment)
    return said


def fill(folder: Path, left: int) -> Path:
    """Fill a disk but for some bytes, with one file."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(max(shutil.disk_usage(folder).free - left, 0)))
    return ballast


def damage_state(unit: Unit) -> dict[Path, bytes]:
    """Cut the state files of query `sessions` in half; return what they had. Raises StackError where there are none."""
    files = sorted((unit.checkpoints / "sessions" / "state").rglob("*.delta"))
    if not files:
        raise StackError(f"no state was written below {unit.checkpoints} before the disk was full")
    content = {file: file.read_bytes() for file in files}
    for file, written in content.items():
        file.write_bytes(written[: len(written) // 2])
    return content


def refusal(command: list[str], environment: Mapping[str, str], part: str) -> str:
    """Run a command that has to fail with a line that has `part`; return that line. Raises StackError."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    line = last_line(done)
    if done.returncode == 0 or part not in line:
        raise StackError(f"expected an error with {part!r}, and the job ended with {done.returncode}: {line}")
    return line
