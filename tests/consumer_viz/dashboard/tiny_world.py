"""A tiny world for the pages: real parquet tables with the contract's columns, the application's state over it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from consumer_viz.dashboard.access.sign_in import TokenSignIn
from consumer_viz.dashboard.decisions.rules import Policy
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.state import AppState
from contracts.features import FEATURE_NAMES
from runtime.world import World
from tests import lake_rows

KEY = b"tests"
NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
DAILY = ("account_risk", "user_day_flags", "campaigns", "track_risk")
"""Tables of the daily run."""
TOKEN = "a-token-of-tests"


def sessions(users: list[str], *, flagged: bool = True, first: int = 0, hour: int = 0) -> pd.DataFrame:
    """One scored session a user, the first `streams` highest, so that the queue's order is that of `users`."""
    rows = []
    for i, user in enumerate(users):
        started = NOON + timedelta(hours=hour, seconds=i)
        score = 0.95 if flagged else 0.05
        rows.append(
            dict.fromkeys(FEATURE_NAMES, 0.5)
            | {
                "session_key": f"{user}:{first + i}:{hour}", "user_id": user, "started_at": started,
                "ended_at": started + timedelta(minutes=40), "scored_at": started + timedelta(hours=2),
                "plays": 90.0, "streams": float(max(2, 200 - i)) if flagged else 3.0, "score": score,
                "is_flagged": flagged, "model_version": "session_xgb@0123abcd", "gap_entropy": np.nan,
                "reasons": [{"feature": "streams", "value": 84.0, "contribution": 4.4},
                            {"feature": "skip_rate", "value": 0.8, "contribution": 1.2}],
                "track_counts": [{"track_id": "t1", "streams": 80}],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def plays(users: list[str], n: int = 6, **values: object) -> pd.DataFrame:
    """`n` plays of 31 s a user, one a minute."""
    rows = [
        {
            "play_id": f"{user}-{k}", "user_id": user, "session_id": "s", "event_time": NOON + timedelta(minutes=k + 1),
            "track_id": "t1", "listen_ms": 31_000, "reason_start": "trackdone", "reason_end": "fwdbtn",
            "context_type": "editorial", "context_id": "c", "shuffle": False, "device_id": "d1",
            "device_type": "mobile", "ip": "x", "country": "AU", "network": "mobile", "ts": 1, **values,
        }
        for user in users
        for k in range(n)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def commit(world: World, table: str, rows: pd.DataFrame) -> None:
    """Add rows to a table of the lake as the next micro-batch, or as the daily run, which replaces what was there."""
    write = lake_rows.replace_rows if table in DAILY else lake_rows.commit
    write(world.unit.table(table), rows)


def static(world: World, table: str, rows: pd.DataFrame) -> None:
    """Write a static table."""
    folder = world.root / "static" / table / "as_of=2025-03-03"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / "part.parquet")
    (folder.parent / "CURRENT").write_text("as_of=2025-03-03")


def account(user: str, **values: object) -> dict[str, object]:
    """A row of users."""
    return {"user_id": user, "signed_up_on": NOON.date(), "plan": "family", "country": "AU",
            "timezone": "Australia/Melbourne", "age_band": "25-34", "payment_id": "p1"} | values  # fmt: skip


def track(title: str = "Cedar south", artist: str = "Water paper") -> dict[str, object]:
    """A row of tracks."""
    return {"track_id": "t1", "title": title, "artist_id": "a1", "artist": artist, "label_id": "l", "genre": "pop",
            "duration_ms": 200_000, "released_on": NOON.date(), "artist_popularity": 0.1, "track_popularity": 0.1,
            "total_track_popularity": 0.01}  # fmt: skip


def flagged_users(n: int) -> list[str]:
    """Names whose cases are reviewed openly: not drawn for the blind share."""
    from consumer_viz.dashboard.index.sampling import draw

    named = (f"user{i:04d}" for i in range(100_000))
    return [user for user in named if draw(user, True, KEY)[0] == "flag"][:n]


def make_world(root: Path, users: list[str], **values: str | None) -> World:
    """A world whose `users` are suspected, and one honest account. `values`: of the suspected sessions."""
    world = World(root / "tiny")
    commit(world, "sessions", sessions(users).assign(**values))
    commit(world, "sessions", sessions(["honest1"], flagged=False, first=1000))
    commit(world, "plays", plays([*users, "honest1"]))
    static(world, "users", pd.DataFrame([account(user) for user in [*users, "honest1"]]))
    static(world, "tracks", pd.DataFrame([track()]))
    return world


def make_state(world: World, now: Callable[[], datetime] | None = None, policy: Policy | None = None) -> AppState:
    """A state that has read its lake."""
    clock = {"now": now} if now else {}
    store = VerdictStore(world.verdicts, policy=policy, **clock)
    index = CaseIndex(world, KEY, 0.0035)
    state = AppState(world, ZoneInfo("UTC"), index, store, TokenSignIn("ana", TOKEN))
    state.refresh()
    assert state.trouble == ""
    return state


def outcomes(state: AppState) -> dict[str, tuple[int, int]]:
    """Cases and streams per verdict."""
    return {row["verdict"]: (row["cases"], row["streams"]) for row in state.cases.outcomes()}
