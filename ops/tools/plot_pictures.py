"""Pictures of the live plot for the documents, from the topics of the last demo run: a picture and a film."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from ops.demo import WORLD, environment_of, with_broker_of_its_own
from ops.errors import StackError
from ops.stack.broker import running
from runtime.command_line import playproof
from runtime.settings import Settings

READ_S = 5
"""How long the plot reads the demo's topics at least; what is unread then gets ten seconds more."""

Say = Callable[[str], None]


def make(settings: Settings, out: Path, say: Say) -> list[Path]:
    """Write `plot.png` and `plot.gif` into a folder and return them. Raises StackError where there was no demo run."""
    settings = with_broker_of_its_own(settings, WORLD)
    unit = settings.the_world().unit
    if not (unit.broker / "log").is_dir():
        raise StackError("there is no demo run to picture: run  playproof demo")
    out.mkdir(parents=True, exist_ok=True)
    pictures = [out / "plot.png", out / "plot.gif"]
    record = ["record", "--seconds", str(READ_S), "--out", str(pictures[0]), "--gif", str(pictures[1])]
    with running(unit.broker, settings.broker):
        say("drawing the plot and its film")
        done = subprocess.run(
            playproof("plot", *record),
            env=environment_of(settings), capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        said = (done.stderr.strip() or "no word why").splitlines()[-1]
        raise StackError(f"the plot could not be drawn: {said}")
    return pictures
