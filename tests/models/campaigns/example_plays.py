"""Example plays: a crowd of strangers, and accounts that one operator runs."""

import numpy as np
import pandas as pd
import pyarrow as pa

from models.tables.plays import Plays, encode_plays
from runtime.units import HOUR_MS

START_MS = 1_741_000_000_000
NO_ZONES = pd.Series(dtype=object)


def play(user: str, track: str, hour: float, device: str = "", listen_ms: int = 60_000) -> dict[str, object]:
    return {
        "user_id": user, "track_id": track, "event_time": START_MS + int(hour * HOUR_MS), "listen_ms": listen_ms,
        "device_id": device or f"phone of {user}",
    }  # fmt: skip


def strangers(users: int = 60, plays: int = 40, tracks: int = 400, hours: int = 200) -> list[dict[str, object]]:
    """Return plays of accounts that choose tracks by popularity (1 / rank), at any time."""
    rng = np.random.default_rng(2)
    share = 1 / np.arange(1, tracks + 1)
    drawn = rng.choice(tracks, size=(users, plays), p=share / share.sum())
    return [play(f"h{u:02}", f"t{t:03}", float(rng.uniform(0, hours))) for u in range(users) for t in drawn[u]]


def farm(accounts: int = 6, tracks: int = 12, days: int = 4, device: str = "") -> list[dict[str, object]]:
    """Return plays of accounts that play one list of tracks in the same hours."""
    return [
        play(f"farm{a}", f"x{t:02}", 24 * day + t / 4 + a / 100, device)
        for a in range(accounts)
        for day in range(days)
        for t in range(tracks)
    ]


def encode(rows: list[dict[str, object]]) -> Plays:
    """Encode plays, each with its own id; the days are those of UTC."""
    frame = pd.DataFrame(rows)
    frame["event_time"] = pd.to_datetime(frame["event_time"], unit="ms", utc=True)
    frame.insert(0, "play_id", [f"p{i}" for i in range(len(frame))])
    return encode_plays(pa.Table.from_pandas(frame, preserve_index=False), NO_ZONES)
