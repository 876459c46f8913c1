"""A tiny world with a ring: accounts that stream the same tracks on shared devices, found by two finders."""

from pathlib import Path
from typing import Any

import pandas as pd

from consumer_viz.dashboard.index.sampling import draw
from contracts.tables import LAKE
from runtime.world import World
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.tiny_world import KEY, NOON

TRACKS = tuple(f"t{n}" for n in range(1, 9))


def row(table: str, **values: object) -> dict[str, Any]:
    """A row of a daily table, null where no value is given."""
    return {column.name: values.get(column.name) for column in LAKE[table]}


def campaign(key: str, users: list[str], **values: object) -> dict[str, Any]:
    """A flagged row of table campaigns."""
    reason = f"{len(users)} accounts stream the same tracks in the same hours: 40 % of both in common"
    return row("campaigns", campaign_key=key, kind="lockstep", user_ids=sorted(users), size=len(users), score=0.97,
               is_flagged=True, probability=0.97, reasons=[reason], track_ids=list(TRACKS),
               first_seen=NOON, last_seen=NOON, streams=9, money_at_risk_eur=1.0) | values  # fmt: skip


def ring_users(n: int) -> list[str]:
    """Accounts that are reviewed openly."""
    named = (f"bot{i:04d}" for i in range(100_000))
    return [user for user in named if draw(user, True, KEY)[0] == "flag"][:n]


def ring_plays(users: list[str]) -> pd.DataFrame:
    """Each account streams most of the tracks in the same hours; eight accounts share a device."""
    parts = []
    for n, user in enumerate(users):
        plays = tiny_world.plays([user], n=len(TRACKS), device_id=f"d{n // 8}")
        plays["track_id"] = TRACKS
        plays["event_time"] = plays["event_time"] - pd.to_timedelta(24 * (n % 3), unit="h")
        parts.append(plays.iloc[n % 3 :])
    return pd.concat(parts, ignore_index=True)


def make_ring_world(root: Path, n: int) -> World:
    """A world whose suspected accounts are one ring of `n`, two single accounts that earn less, and an honest one."""
    users, singles = ring_users(n), tiny_world.flagged_users(2)
    world = World(root / "ring")
    tiny_world.commit(world, "sessions", tiny_world.sessions(users))
    tiny_world.commit(world, "sessions", tiny_world.sessions(singles, first=5000))
    tiny_world.commit(world, "sessions", tiny_world.sessions(["honest1"], flagged=False, first=9000))
    tiny_world.commit(world, "plays", ring_plays(users))
    tiny_world.commit(world, "plays", tiny_world.plays([*singles, "honest1"]))
    accounts = [tiny_world.account(user, payment_id=f"p{k}") for k, user in enumerate([*users, *singles, "honest1"])]
    tiny_world.static(world, "users", pd.DataFrame(accounts))
    names = [tiny_world.track(f"Cedar {track}") | {"track_id": track} for track in TRACKS]
    tiny_world.static(world, "tracks", pd.DataFrame(names))
    on_devices = campaign("device-k2", users[: (2 * n) // 3], kind="device", reasons=["accounts on devices they share"])
    tiny_world.commit(world, "campaigns", pd.DataFrame([campaign("lockstep-k1", users), on_devices]))
    roles = [row("track_risk", track_id=track, local_date=NOON.date(), role="suspected target") for track in TRACKS]
    tiny_world.commit(world, "track_risk", pd.DataFrame(roles))
    return world
