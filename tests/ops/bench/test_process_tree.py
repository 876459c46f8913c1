"""The meter of a process tree, on a small real one."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from ops.bench.process_tree import TreeMeter, machine_cpu_s

BURN_S = 0.2
WORKER = f"import time\nwhile time.process_time() < {BURN_S}: pass\nprint('burnt', flush=True)\ninput()"
"""Uses CPU time, says so, and stays until it is told to end."""
PARENT = f"""import subprocess, sys
subprocess.run([sys.executable, "-c", {WORKER!r}])
print('alone', flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def tree() -> Iterator[subprocess.Popen[str]]:
    """A process whose worker has used BURN_S; a line lets the worker end, a second one the process."""
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert line_of(process) == "burnt\n"
    yield process
    process.kill()
    process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def say(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdin is not None
    process.stdin.write(words)
    process.stdin.flush()


def test_what_an_ended_worker_used_still_counts(tree: subprocess.Popen[str]) -> None:
    meter = TreeMeter(tree.pid)
    meter.sample(1.0)
    with_worker = meter.cpu_s
    assert with_worker >= BURN_S
    say(tree, "\n")
    assert line_of(tree) == "alone\n"
    meter.sample(2.0)
    assert meter.cpu_s >= with_worker
    assert meter.peak_rss > 2 * 2**20, "two interpreters"


def test_cpu_time_between_samples_is_interpolated(tree: subprocess.Popen[str]) -> None:
    meter = TreeMeter(tree.pid)
    meter.sample(1.0)
    meter.sample(3.0)
    assert meter.cpu_s_at(0.0) == pytest.approx(meter.cpu_s_at(1.0))
    middle = (meter.cpu_s_at(1.0) + meter.cpu_s_at(3.0)) / 2
    assert meter.cpu_s_at(2.0) == pytest.approx(middle)


def test_what_outlives_the_root_is_ended(tree: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    meter = TreeMeter(tree.pid)
    meter.sample(1.0)
    (worker,) = psutil.Process(tree.pid).children()
    tree.kill()
    tree.wait()
    monkeypatch.setattr("ops.bench.process_tree.ENDS_WITHIN_S", 0)
    meter.end()
    assert not worker.is_running()


def test_a_root_that_has_ended_is_not_an_error(tree: subprocess.Popen[str]) -> None:
    meter = TreeMeter(tree.pid)
    tree.kill()
    tree.wait()
    meter.sample(1.0)
    assert meter.cpu_s == 0
    assert meter.cpu_s_at(5.0) == 0


def test_the_machine_has_worked_at_least_as_long_as_this_process() -> None:
    own = os.times()
    assert machine_cpu_s() >= own.user + own.system
