"""Take the pictures of docs/media from the demo's world: `make media`.

The world is only read: decisions that a picture shows go into a file of their own.
"""

import os
import sys
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from consumer_viz.dashboard.access.sign_in import TokenSignIn
from consumer_viz.dashboard.decisions.rules import Draft
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.serve import open_state
from consumer_viz.dashboard.state import AppState
from consumer_viz.feed.counts import PlotBatch, Snapshot
from consumer_viz.feed.messages import Alert, FraudWindow
from contracts import verdicts as v
from contracts.events import STREAM_MS
from runtime.lake import batch_of, committed_files
from runtime.settings import Settings
from runtime.world import World
from tests.browser.conftest import CHROMIUM, NAMES
from tests.browser.served import serving

OUT = Path("docs/media")
COLOURS = 96
"""Of a picture's palette: flat pages need no more, and the files stay small."""
TOKEN = "pictures"


class Recorded:
    """The topics as the lake remembers them, at the moment the run ended."""

    def __init__(self, world: World) -> None:
        plays = _read(world, "plays", ["ts", "listen_ms"])
        activity = _read(world, "activity", ["ts"])
        streams = plays[plays["listen_ms"] >= STREAM_MS].groupby("ts").size()
        touched = activity.groupby("ts").size()
        self._batches = tuple(
            PlotBatch(int(ts), int(ts), int(n), int(streams.get(ts, 0)), int(touched.get(ts, 0)))
            for ts, n in zip(*np.unique(plays["ts"].to_numpy(dtype=int), return_counts=True), strict=True)
        )
        columns = ["window_start", "window_end", "sessions", "flagged", "flagged_streams"]
        counts = _read(world, "fraud_counts", columns)
        newest = counts.sort_values("batch_id").drop_duplicates("window_start", keep="last").sort_values("window_end")
        self._windows = tuple(
            FraudWindow(_epoch(start), _epoch(end), int(sessions), int(flagged), int(n), int(batch))
            for start, end, sessions, flagged, n, batch in newest.itertuples(index=False)
        )
        alerts = _read(world, "alerts", ["session_key", "alerted_at", "ts", "withdrawn"])
        withdrawn = set(alerts["session_key"][alerts["withdrawn"]])
        raised = alerts[~alerts["withdrawn"]].sort_values("alerted_at")
        self._alerts = tuple(
            Alert(key, _epoch(at), float(ts), key in withdrawn)
            for key, at, ts in raised[["session_key", "alerted_at", "ts"]].itertuples(index=False)
        )

    def snapshot(self, since: float = 0) -> Snapshot:
        """Return what came from `since` on; all of it where that is after the run, as it is when pictures come late."""
        end = max(self._batches[-1].ts, self._windows[-1].end if self._windows else 0) + 3
        since = since if since <= end else 0
        batches = tuple(batch for batch in self._batches if batch.ts >= since)
        windows = tuple(window for window in self._windows if window.end >= since)
        plays, activity = sum(b.master_rows for b in self._batches), sum(b.companion_rows for b in self._batches)
        alerts = tuple(alert for alert in self._alerts if alert.at >= since)
        return Snapshot(float(end), batches, windows, plays, activity, alerts=alerts)


def _read(world: World, table: str, columns: list[str]) -> pd.DataFrame:
    files = committed_files(world.unit.table(table))
    parts = [pq.ParquetFile(file).read(columns=columns).to_pandas().assign(batch_id=batch_of(file)) for file in files]
    return pd.concat(parts, ignore_index=True)


def _epoch(time: pd.Timestamp) -> float:
    return time.tz_localize("UTC").timestamp() if time.tzinfo is None else time.timestamp()


def decide_some(state: AppState) -> None:
    """Decide as two analysts might, so that the quality page has something to show."""
    for n, case in enumerate(state.cases.queue("suspected", 40)):
        verdict, reason = (v.DISMISS, "superfan") if n % 7 == 3 else (v.CONFIRM, ("velocity", "short_loop_30s")[n % 2])
        draft = Draft(
            case.case_id, case.user_id, v.DECIDE, ("ana", "ben")[n % 2], 0, f"k{n}", verdict, reason,
            model_version=case.model_version, eur=case.eur, streams=case.streams,
        )  # fmt: skip
        state.store.write(draft)


def main() -> None:
    """Serve the world and take a picture of every page."""
    if CHROMIUM is None:
        sys.exit(f"no {' or '.join(NAMES[:3])} on this machine: install one, then  make media")
    settings = Settings(world=os.environ.get("PLAYPROOF_WORLD", "demo"))
    if not committed_files(settings.the_world().unit.table("sessions")):
        sys.exit(f"world {settings.world} has no scored sessions: run  playproof demo")
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        state = open_state(settings, ZoneInfo(settings.time_zone), TokenSignIn("ana", TOKEN))
        state.store = VerdictStore(Path(folder) / "verdicts.sqlite")
        state.cases.store = state.store
        state.refresh()
        state.feed = Recorded(state.world)
        with serving(state, TOKEN) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(address)
            page.click("#tour-close")
            page.wait_for_selector("#panel h2")
            shoot(page, "queue")
            case = page.locator("#panel h2 a").get_attribute("href")
            page.goto(address.split("/?")[0] + str(case))
            shoot(page, "case", height=1700)
            decide_some(state)
            for name in ("quality", "live", "models", "health"):
                page.goto(f"{address.split('/?')[0]}/{name}")
                page.wait_for_timeout(1500)  # lines are drawn once their numbers have come
                shoot(page, name)
            browser.close()


def shoot(page: Page, name: str, height: int = 800) -> None:
    """Write a picture with a small palette."""
    path = OUT / f"{name}.png"
    page.set_viewport_size({"width": 1280, "height": height})
    page.screenshot(path=path)
    # an octree keeps the colours that are rare and mean something; a median cut mixes them
    Image.open(path).convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(path, optimize=True)
    print(f"{path}  {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
