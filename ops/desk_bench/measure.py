"""Measure the analyst's pages with 100,000 flagged sessions: the queue, search, a ring's page, five open pages.

CPU-seconds are of the server process alone. Times by the clock need a machine that does nothing else.
"""

import contextlib
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx
import psutil

from ops.desk_bench import large_world
from ops.desk_bench.large_world import RING, SESSIONS
from ops.errors import StackError
from ops.stack.private_broker import command_environment
from runtime.command_line import playproof
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import World

WORLD = "desk-bench"
WATCH_S, TRIES, WITHIN_S = 30, 5, 300
PAGES = ("queue", "case", "live", "quality", "health")
SEARCHES = ("user0001", "rain", "Artist 77", "nothing")
"""Many accounts, many tracks, many artists, no result."""
COLUMNS = ("what", "by the clock", "of the server")


def run(settings: Settings, report_progress: ReportProgress) -> list[tuple[str, str, str]]:
    """Make the world in a folder for the moment, serve it in a process of its own; return rows under COLUMNS.

    Raises StackError where the pages do not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        report_progress(f"making {SESSIONS:,} flagged sessions")
        large_world.make(World(Path(folder) / WORLD))
        settings = settings.model_copy(update={"data": Path(folder), "world": WORLD})
        with _served(settings) as (process, client, started):
            report_progress("reading them")
            return list(_measure(process, client, started))


@contextlib.contextmanager
def _served(settings: Settings) -> Iterator[tuple[psutil.Process, httpx.Client, float]]:
    """Serve the pages; yields the process, who asks, and the CPU-seconds that the start took."""
    command = playproof("desk", "--port", "0")
    with subprocess.Popen(
        command, env=command_environment(settings) | {"PLAYPROOF_STORAGE": ""}, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            address = re.search(r"(http\S+)/\?\S+", server.stdout.readline())
            if address is None:
                raise StackError("the analyst's pages did not start: run  playproof desk --world main")
            process = psutil.Process(server.pid)
            started = _cpu(process)
            answer = httpx.get(address[0], timeout=WITHIN_S)
            cookie = answer.headers["set-cookie"].partition(";")[0]  # it is secure: no jar sends it over http
            with httpx.Client(base_url=address[1], headers={"cookie": cookie}, timeout=WITHIN_S) as client:
                yield process, client, started
        finally:
            server.terminate()


def _measure(process: psutil.Process, client: httpx.Client, started: float) -> Iterator[tuple[str, str, str]]:
    began = time.monotonic()
    while f'<td class="num">{SESSIONS:,}</td>' not in client.get("/models").text:
        if time.monotonic() > began + WITHIN_S:
            raise StackError(f"the pages did not read {SESSIONS:,} sessions within {WITHIN_S} s")
        time.sleep(1)
    took_s = time.monotonic() - began
    yield f"index of {SESSIONS:,} flagged sessions", f"{took_s:.0f} s", f"{_cpu(process) - started:.1f} CPU-s"
    clocks, seconds = zip(*(_open_queue(client, process) for _ in range(TRIES)), strict=True)
    yield "queue and first case", f"{median(clocks):.2f} s", f"{median(seconds):.2f} CPU-s"
    for text in SEARCHES:
        took_ms = 1000 * median(_timed(client, f"/find?q={text}") for _ in range(TRIES))
        yield f"search for {text!r}", f"{took_ms:.0f} ms", ""
    ring = re.search(r"/rings/r-\w+", client.get("/queue").text)
    assert ring is not None
    yield f"page of a ring of {RING} accounts", f"{median(_timed(client, ring[0]) for _ in range(TRIES)):.2f} s", ""
    opened = threading.Barrier(len(PAGES) + 1, timeout=60)
    for page in PAGES:
        threading.Thread(target=_listen, args=(client, page, opened), daemon=True).start()
    opened.wait()
    spent = _cpu(process)
    time.sleep(WATCH_S)
    yield f"{len(PAGES)} open pages, {WATCH_S} s", "", f"{1000 * (_cpu(process) - spent) / WATCH_S:.1f} CPU-ms per s"
    yield "memory", "", f"{process.memory_info().rss / 1e6:.0f} MB"


def _open_queue(client: httpx.Client, process: psutil.Process) -> tuple[float, float]:
    """Load the queue and its first case; return seconds by the clock and of CPU."""
    began, spent = time.perf_counter(), _cpu(process)
    case = re.search(r'data-case="(c-\w+)"', client.get("/queue").text)
    assert case is not None
    client.get(f"/queue/panel/{case[1]}")
    return time.perf_counter() - began, _cpu(process) - spent


def _timed(client: httpx.Client, path: str) -> float:
    """Load a page; return seconds by the clock."""
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return time.perf_counter() - began


def _cpu(process: psutil.Process) -> float:
    """Return the CPU-seconds of a process so far."""
    times = process.cpu_times()
    return times.user + times.system


def _listen(client: httpx.Client, page: str, opened: threading.Barrier) -> None:
    """Hold one page's stream of events open; `opened` is reached when its first event has come."""
    with contextlib.suppress(httpx.HTTPError, RuntimeError), client.stream("GET", f"/events?page={page}") as stream:
        events = stream.iter_bytes()
        next(events)
        opened.wait()
        for _ in events:
            pass
