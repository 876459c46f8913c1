"""Draw the live plot for the documents, a picture and a film, from the topics of the last demo run."""

from pathlib import Path

from ops.demo.music import WORLD
from ops.errors import StackError
from ops.stack.broker import running
from ops.stack.child_process import run_to_end
from ops.stack.private_broker import command_environment, with_private_broker
from runtime.command_line import playproof
from runtime.settings import Settings
from runtime.terminal import ReportProgress

READ_S = 5
"""How long the plot reads the demo's topics at least; what is unread then gets ten seconds more."""


def draw_pictures(settings: Settings, out: Path, report_progress: ReportProgress) -> list[Path]:
    """Write `plot.png` and `plot.gif` into a folder and return them. Raises StackError where there was no demo run."""
    settings = with_private_broker(settings, WORLD)
    unit = settings.the_world().unit
    if not (unit.broker / "log").is_dir():
        raise StackError("there is no demo run to picture: run  playproof demo")
    out.mkdir(parents=True, exist_ok=True)
    pictures = [out / "plot.png", out / "plot.gif"]
    record = ["record", "--seconds", str(READ_S), "--out", str(pictures[0]), "--gif", str(pictures[1])]
    with running(unit.broker, settings.broker):
        report_progress("drawing the plot and its film")
        run_to_end(playproof("plot", *record), command_environment(settings))
    return pictures
