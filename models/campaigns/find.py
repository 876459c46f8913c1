"""Find suspected campaigns in a world's plays: run every finder, and describe each group in a row of the table."""

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.campaigns.finders import (
    MIN_SIZE,
    Group,
    find_dense_blocks,
    find_lifted_tracks,
    find_lockstep,
    find_shared_devices,
    find_shared_payment,
    find_shared_tracks,
)
from models.campaigns.group_model import ASSUMED, GroupModel
from models.risk.money import Prices, pro_rata
from models.tables.plays import Plays
from runtime.arrays import Ints

VERSION = "campaign-3"
FLAG = 0.5
MAX_TRACKS = 20
"""Tracks of a group to name."""
COLUMNS = (
    "campaign_key", "kind", "user_ids", "size", "score", "probability", "is_flagged", "reasons", "track_ids",
    "first_seen", "last_seen", "streams", "money_at_risk_eur", "model_version",
)  # fmt: skip


def find_campaigns(
    plays: Plays,
    accounts: pd.DataFrame,
    popularity: NDArray[np.float64],
    rng: np.random.Generator,
    model: GroupModel,
    prices: Prices | None = None,
) -> pd.DataFrame:
    """Return table `campaigns`, the most suspicious first.

    `accounts`: user_id, payment_id. `popularity`: see `find_dense_blocks`. A kind whose probability is an assumption is
    flagged by its score, the others from a probability of FLAG.
    """
    groups = find_groups(plays, accounts, popularity, rng)
    probabilities = model.probabilities(groups, plays)
    rows = [_describe(g, float(p), plays, prices or Prices()) for g, p in zip(groups, probabilities, strict=True)]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"is_flagged": bool})  # also where there is no group
    return table.sort_values(["score", "campaign_key"], ascending=[False, True], ignore_index=True)


def find_groups(
    plays: Plays, accounts: pd.DataFrame, popularity: NDArray[np.float64], rng: np.random.Generator
) -> list[Group]:
    """Run every finder. The arguments: see `find_campaigns`."""
    return [
        *find_lockstep(plays, rng),
        *find_shared_devices(plays),
        *find_shared_payment(plays, accounts),
        *find_shared_tracks(plays),
        *find_lifted_tracks(plays, popularity),
        *find_dense_blocks(plays, popularity, rng),
    ]


def _describe(group: Group, probability: float, plays: Plays, prices: Prices) -> dict[str, object]:
    names = sorted(str(name) for name in plays.users[group.users])
    is_ours = np.isin(plays.user, group.users) & plays.is_stream
    tracks = _common_tracks(plays, is_ours)
    at = plays.event_ms[is_ours & np.isin(plays.track, tracks)] if len(tracks) else plays.event_ms[is_ours]
    return {
        "campaign_key": f"{group.kind}-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:12]}",
        "kind": group.kind,
        "user_ids": names,
        "size": len(names),
        "score": group.score if group.kind in ASSUMED else probability,
        "probability": probability,
        "is_flagged": (group.score if group.kind in ASSUMED else probability) >= FLAG and len(names) >= MIN_SIZE,
        "reasons": group.reasons,
        "track_ids": [str(track) for track in plays.tracks[tracks]],
        "first_seen": pd.Timestamp(at.min(initial=2**52), unit="ms", tz="UTC") if len(at) else pd.NaT,
        "last_seen": pd.Timestamp(at.max(initial=0), unit="ms", tz="UTC") if len(at) else pd.NaT,
        "streams": int(is_ours.sum()),
        "money_at_risk_eur": float(pro_rata(np.array([is_ours.sum()]), prices)[0]),
        "model_version": VERSION,
    }


def _common_tracks(plays: Plays, is_ours: NDArray[np.bool_]) -> Ints:
    """Return the tracks that at least two of the group's accounts stream, by streams, at most MAX_TRACKS."""
    both = np.stack([plays.track[is_ours], plays.user[is_ours]]).astype(np.int64)
    pairs, streams = np.unique(both, axis=1, return_counts=True)
    listeners = np.bincount(pairs[0], minlength=1) if pairs.size else np.zeros(1, dtype=np.int64)
    total = np.bincount(pairs[0], weights=streams, minlength=1) if pairs.size else np.zeros(1)
    shared = np.flatnonzero(listeners >= 2)
    return shared[np.lexsort((shared, -total[shared]))][:MAX_TRACKS]
