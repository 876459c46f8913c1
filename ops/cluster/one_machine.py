"""The same topics, read by a job on one machine: on a disk that is full, and with state that is damaged.

Its tables and checkpoints are on a small disk of this process's mounts. Each fault has to end the job with one line;
once it is repaired, the job goes on from its checkpoint.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ops.chaos.account import faults_at_the_end, read_account
from ops.cluster.network import call
from ops.errors import StackError
from ops.stack.child_process import run_to_end
from ops.stack.logs import most_relevant_line
from runtime.command_line import playproof
from runtime.world import Unit, World

FOLDER = "alone"
"""Folder of the world, for the data of this job."""
DISK = "64m"
MESSAGES = "4"
"""Messages per micro-batch: many micro-batches, so that the disk is full in the middle."""
LOOK_EVERY_S = 0.02
PIECE = 4096


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
    """Read the topics to their end; return what the job said of each fault.

    Raises StackError where it said nothing, or where not every row is accounted for in the end.
    """
    environment = {**environment, "PLAYPROOF_DATA": str(alone.root.parent), "PLAYPROOF_STORAGE": ""}
    environment["SPARK_LOCAL_IP"] = "127.0.0.1"
    job = playproof("job", "run", "--available-now", "--memory", memory, "--master", "local[2]")
    log, said = alone.root / "job.log", {}
    process = start([*job, "--max-messages", MESSAGES], environment, log)
    ballast = fill_while_it_runs(process, alone.unit)
    said["full disk"] = refusal(process, log, "No space left on device")
    say(f"full disk: {said['full disk']}")
    ballast.unlink()
    damaged = damage_state(alone.unit)
    said["damaged state"] = refusal(start(job, environment, log), log, ".delta")
    say(f"damaged state: {said['damaged state']}")
    for file, content in damaged.items():
        file.write_bytes(content)
    run_to_end(job, environment)
    faults = faults_at_the_end(read_account(environment))
    if faults:
        raise StackError(f"after a full disk and damaged state, the job on one machine: {'; '.join(faults)}")
    return said


def start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command that writes to a new log."""
    with log.open("wb") as file:
        return subprocess.Popen(command, env=environment, stdout=file, stderr=file)


def fill_while_it_runs(process: subprocess.Popen[bytes], unit: Unit) -> Path:
    """Fill the disk once the job has done a micro-batch; return the file that fills it. Raises StackError."""
    commits = unit.checkpoints / "sessions" / "commits"
    while not any(commits.glob("[0-9]*")):
        if process.poll() is not None:
            raise StackError("the job ended before its first micro-batch was done")
        time.sleep(LOOK_EVERY_S)
    ballast = unit.root / "ballast"
    # the job writes too: so many bytes at a time until none fit
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(PIECE))
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


def refusal(process: subprocess.Popen[bytes], log: Path, part: str) -> str:
    """Wait for a command that has to fail with a line that has `part`; return it. Raises StackError otherwise."""
    code = process.wait()
    errors = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("error: ")]
    line = errors[-1].removeprefix("error: ") if errors else most_relevant_line(log)
    if code == 0 or part not in line:
        raise StackError(f"expected an error with {part!r}, and the job ended with {code}: {line}")
    return line
