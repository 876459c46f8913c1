"""A world for measuring the pages: many flagged sessions that nobody sent, with columns as the job writes them."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.features import FEATURE_NAMES
from contracts.tables import LAKE
from runtime.lake.commits import Transaction, append_rows, replace, write_files
from runtime.world import World

SESSIONS, ACCOUNTS, FILES, TRACKS, ARTISTS, RING, RING_TRACKS = 100_000, 20_000, 20, 20_000, 900, 500, 20
AS_OF = date(2025, 3, 3)
NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
WRITER = "desk_bench"


def make(world: World) -> None:
    """Write sessions, plays, accounts, tracks, and a ring of RING accounts; seed 0."""
    rng = np.random.default_rng(0)
    accounts = [f"user{k:06d}" for k in range(ACCOUNTS)]
    for number, ids in enumerate(np.array_split(np.arange(SESSIONS), FILES)):
        _append(world, "sessions", _sessions(ids, rng), number)
    _append(world, "plays", _plays(accounts, 1), 0)
    _append(world, "plays", _plays(accounts[:RING], RING_TRACKS), 1)
    campaigns = world.unit.table("campaigns")
    ring = pa.Table.from_pandas(_ring(accounts[:RING]), preserve_index=False)
    replace(campaigns, write_files(campaigns, ring), ring.schema)
    _write_static(world, "users", _users(accounts))
    _write_static(world, "tracks", _tracks())


def _sessions(ids: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    n = len(ids)
    started = pd.Series([NOON + timedelta(seconds=int(k)) for k in ids])
    columns = {name: rng.uniform(0, 1, n) for name in FEATURE_NAMES} | {
        "session_key": [f"s{k}" for k in ids], "user_id": [f"user{k % ACCOUNTS:06d}" for k in ids],
        "started_at": started, "ended_at": started + timedelta(minutes=40), "scored_at": started + timedelta(hours=2),
        "plays": 90.0, "streams": rng.integers(2, 200, n).astype(float), "score": rng.uniform(0.78, 1, n),
        "is_flagged": True, "model_version": "session_xgb@0123abcd",
        "reasons": [[{"feature": "streams", "value": 84.0, "contribution": 4.4},
                     {"feature": "skip_rate", "value": 0.8, "contribution": 1.2}]] * n,
        "track_counts": [[{"track_id": f"t{k}", "streams": 9}] for k in rng.integers(0, TRACKS, n)],
    }  # fmt: skip
    return pd.DataFrame(columns)


def _plays(accounts: list[str], each: int) -> pd.DataFrame:
    """`each` plays of 31 s of every account, one a minute, of different tracks, on a device of its own."""
    users, numbers = np.repeat(accounts, each), np.tile(np.arange(each), len(accounts))
    return pd.DataFrame(
        {
            "play_id": [f"{user}-{each}-{k}" for user, k in zip(users, numbers, strict=True)], "user_id": users,
            "session_id": "s", "event_time": [NOON + timedelta(minutes=int(k) + 1) for k in numbers],
            "track_id": [f"t{k}" for k in numbers], "listen_ms": 31_000, "reason_start": "trackdone",
            "reason_end": "fwdbtn", "context_type": "editorial", "context_id": "c", "shuffle": False,
            "device_id": [f"{user}d" for user in users], "device_type": "mobile", "ip": [f"{user}i" for user in users],
            "country": "AU", "network": "mobile", "ts": 1,
        }
    )  # fmt: skip


def _ring(accounts: list[str]) -> pd.DataFrame:
    reason = f"{len(accounts)} accounts stream the same tracks in the same hours: 40 % of both in common"
    known = {
        "campaign_key": "ring", "kind": "lockstep", "user_ids": accounts, "size": len(accounts), "score": 0.97,
        "is_flagged": True, "probability": 0.97, "reasons": [reason], "first_seen": NOON, "last_seen": NOON,
        "track_ids": [f"t{k}" for k in range(RING_TRACKS)], "streams": 9, "money_at_risk_eur": 1.0,
    }  # fmt: skip
    return pd.DataFrame([{column.name: known.get(column.name) for column in LAKE["campaigns"]}])


def _users(accounts: list[str]) -> pd.DataFrame:
    payments = [f"p{k}" for k in range(len(accounts))]
    return pd.DataFrame(
        {
            "user_id": accounts, "signed_up_on": AS_OF, "plan": "family", "country": "AU",
            "timezone": "Australia/Melbourne", "age_band": "25-34", "payment_id": payments,
        }
    )  # fmt: skip


def _tracks() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "track_id": [f"t{k}" for k in range(TRACKS)], "title": [f"Song {k} of rain" for k in range(TRACKS)],
            "artist_id": [f"a{k % ARTISTS}" for k in range(TRACKS)],
            "artist": [f"Artist {k % ARTISTS}" for k in range(TRACKS)], "label_id": "l", "genre": "pop",
            "duration_ms": 200_000, "released_on": AS_OF, "artist_popularity": 0.1, "track_popularity": 0.1,
            "total_track_popularity": 0.01,
        }
    )  # fmt: skip


def _append(world: World, table: str, rows: pd.DataFrame, number: int) -> None:
    content = pa.Table.from_pandas(rows.assign(date=AS_OF), preserve_index=False)
    append_rows(world.unit.table(table), content, Transaction(WRITER, number))


def _write_static(world: World, table: str, rows: pd.DataFrame) -> None:
    folder = world.root / "static" / table / f"as_of={AS_OF}"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / "part.parquet")
    (folder.parent / "CURRENT").write_text(folder.name)
