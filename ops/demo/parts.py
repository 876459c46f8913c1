"""What every demo does: show a window, say how long a stage took, replay, wait until every row is accounted for."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from ops.errors import StackError
from ops.stack.child_process import ChildProcess, last_line
from runtime.command_line import playproof
from runtime.terminal import ReportProgress

JOB_WITHIN_S = 300.0
ACCOUNTED_WITHIN_S = 600.0
POLL_EVERY_S = 0.5
RECONCILE_EVERY_S = 2.0


def has_display(environment: Mapping[str, str]) -> bool:
    """Return whether the user has a terminal and a screen, so that a window makes sense."""
    is_screen = sys.platform == "darwin" or "DISPLAY" in environment or "WAYLAND_DISPLAY" in environment
    return is_screen and sys.stdout.isatty()


def with_seconds(report_progress: ReportProgress) -> ReportProgress:
    """Return a callback that adds to each line the seconds since the line before."""
    last_at = time.monotonic()

    def report_stage(line: str) -> None:
        nonlocal last_at
        now = time.monotonic()
        report_progress(f"{line} ({now - last_at:.0f} s)")
        last_at = now

    return report_stage


def replay(environment: Mapping[str, str], alive: list[ChildProcess], *pace: str) -> None:
    """Replay the world at a pace (options of `playproof replay`), its progress shown, while all others stay alive."""
    process = subprocess.Popen(playproof("replay", *pace), env=environment, start_new_session=True)
    try:
        while process.poll() is None:
            require_alive(alive)
            time.sleep(POLL_EVERY_S)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
    if process.returncode != 0:
        raise StackError(f"the replay failed with exit code {process.returncode}: see the line above")


def require_alive(children: list[ChildProcess]) -> None:
    for child in children:
        child.require_alive()


def wait_for_reconciliation(environment: Mapping[str, str], alive: list[ChildProcess]) -> dict[str, Any]:
    """Return the reconciliation once no row is open, or the last one when time is up, for the summary to show."""
    until = time.monotonic() + ACCOUNTED_WITHIN_S
    while True:
        require_alive(alive)
        command = playproof("reconcile", "--json")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        try:
            reconciliation: dict[str, Any] = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise StackError(f"playproof reconcile failed: {last_line(done)}") from None
        is_settled = all(rows["open"] == 0 and rows["lost"] == 0 for rows in reconciliation["topics"].values())
        if is_settled or time.monotonic() > until:
            return reconciliation
        time.sleep(RECONCILE_EVERY_S)
