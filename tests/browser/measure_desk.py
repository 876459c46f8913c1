"""Measure the pages with 100,000 flagged sessions: `python -m tests.browser.measure_desk`.

Prints the CPU-seconds of making the index, the time until the queue can be used, of a search, and of the page of a ring
of 500 accounts, and what five open pages cost the server. CPU-seconds are of the server process alone; the time to a
usable queue is by the clock, so it needs a machine that does nothing else, and CPU-seconds are printed beside it.
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import httpx
import numpy as np
import pandas as pd
import psutil

from contracts.features import FEATURE_NAMES
from runtime.world import World
from tests.consumer_viz.dashboard import rings_world, tiny_world

SESSIONS, ACCOUNTS, FILES, WATCH_S, TRIES = 100_000, 20_000, 20, 30, 5
TRACKS, RING = 20_000, 500
PAGES = ("queue", "case", "live", "quality", "health")


def many_sessions(start: int, n: int) -> pd.DataFrame:
    """`n` flagged sessions like those of the tests, of ACCOUNTS accounts in turn."""
    rng = np.random.default_rng(start)
    rows = pd.concat([tiny_world.sessions(["x"])] * n, ignore_index=True)
    number = np.arange(start, start + n)
    rows["user_id"] = [f"user{k:06d}" for k in number % ACCOUNTS]
    rows["session_key"] = [f"s{k}" for k in number]
    rows["score"], rows["streams"] = rng.uniform(0.78, 1, n), rng.integers(2, 200, n).astype(float)
    rows[list(FEATURE_NAMES[2:])] = rng.uniform(0, 1, (n, len(FEATURE_NAMES) - 2))
    rows["track_counts"] = pd.Series([[{"track_id": f"t{k}", "streams": 9}] for k in rng.integers(0, 5000, n)])
    return rows


def main() -> None:
    """Make the world, serve it in a process of its own, measure."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "large")
        for batch in range(FILES):
            n = SESSIONS // FILES
            tiny_world.commit(world, "sessions", many_sessions(batch * n, n))
        names = [f"user{k:06d}" for k in range(ACCOUNTS)]
        tiny_world.static(world, "users", pd.DataFrame([tiny_world.account(name) for name in names]))
        titles = [tiny_world.track(f"Song {k} of rain", f"Artist {k % 900}") for k in range(TRACKS)]
        tracks = pd.DataFrame(titles).assign(track_id=[f"t{k}" for k in range(TRACKS)])
        tiny_world.static(world, "tracks", tracks.assign(artist_id=[f"a{k % 900}" for k in range(TRACKS)]))
        plays = tiny_world.plays(names, n=1)
        tiny_world.commit(world, "plays", plays.assign(device_id=plays["user_id"] + "d", ip=plays["user_id"] + "i"))
        ring = tiny_world.plays(names[:RING], n=20)
        tracks_of_ring = [f"t{k % 20}" for k in range(len(ring))]
        tiny_world.commit(world, "plays", ring.assign(play_id=ring["play_id"] + "r", track_id=tracks_of_ring))
        tiny_world.commit(world, "campaigns", pd.DataFrame([rings_world.campaign("k", names[:RING])]))
        command = [sys.executable, "-m", "ops", "desk", "--port", "0"]
        environment = os.environ | {"PLAYPROOF_DATA": folder, "PLAYPROOF_WORLD": "large"}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
            try:
                measure(psutil.Process(server.pid), server)
            finally:
                server.terminate()


def measure(process: psutil.Process, server: subprocess.Popen[str]) -> None:
    """Ask as a browser would and print what it cost."""
    assert server.stdout is not None
    address = re.search(r"http\S+", server.stdout.readline())
    assert address is not None
    started = cpu(process)
    base = address[0].split("/?")[0]
    cookie = httpx.get(address[0], timeout=300).headers["set-cookie"].partition(";")[0]  # secure: no jar sends it here
    client = httpx.Client(base_url=base, headers={"cookie": cookie}, timeout=300)
    while f'<td class="num">{SESSIONS:,}</td>' not in client.get("/models").text:
        time.sleep(1)
    print(f"index of {SESSIONS:,} flagged sessions built: {cpu(process) - started:.1f} CPU-s, requests included")
    clocks, seconds = zip(*(open_queue(client, process) for _ in range(TRIES)), strict=True)
    print(f"queue and first case, median of {TRIES}: {median(clocks):.2f} s by the clock, {median(seconds):.3f} CPU-s")
    for text in ("user0001", "rain", "Artist 77", "nothing"):
        took = [timed(client, f"/find?q={text}") for _ in range(TRIES)]
        print(f"search for {text!r}, median of {TRIES}: {1000 * median(took):.0f} ms by the clock")
    ring = re.search(r"/rings/r-\w+", client.get("/queue").text)
    assert ring is not None
    took = [timed(client, ring[0]) for _ in range(TRIES)]
    print(f"page of a ring of {RING} accounts, median of {TRIES}: {median(took):.2f} s by the clock")
    opened = threading.Barrier(len(PAGES) + 1, timeout=60)
    for page in PAGES:
        threading.Thread(target=listen, args=(client, page, opened), daemon=True).start()
    opened.wait()
    spent = cpu(process)
    time.sleep(WATCH_S)
    print(f"five open pages: {1000 * (cpu(process) - spent) / WATCH_S:.1f} ms of CPU per second, over {WATCH_S} s")
    print(f"memory: {process.memory_info().rss / 1e6:.0f} MB")


def open_queue(client: httpx.Client, process: psutil.Process) -> tuple[float, float]:
    """Load the queue and its first case; return seconds by the clock and of CPU."""
    began, spent = time.perf_counter(), cpu(process)
    case = re.search(r'data-case="(c-\w+)"', client.get("/queue").text)
    assert case is not None
    client.get(f"/queue/panel/{case[1]}")
    return time.perf_counter() - began, cpu(process) - spent


def timed(client: httpx.Client, path: str) -> float:
    """Load a page; return seconds by the clock."""
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return time.perf_counter() - began


def cpu(process: psutil.Process) -> float:
    """CPU-seconds of a process so far."""
    times = process.cpu_times()
    return times.user + times.system


def listen(client: httpx.Client, page: str, opened: threading.Barrier) -> None:
    """Hold one page's stream of events open; `opened` is reached when its first event has come."""
    with contextlib.suppress(httpx.HTTPError), client.stream("GET", f"/events?page={page}") as stream:
        events = stream.iter_bytes()
        next(events)
        opened.wait()
        for _ in events:
            pass


if __name__ == "__main__":
    main()
