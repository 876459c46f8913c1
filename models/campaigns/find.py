"""Find suspected campaigns in a world's plays: groups of accounts, each with its kind, score and reasons in words."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.campaigns.blocks import chance_density, densest_blocks
from models.campaigns.components import components, sharing_pairs
from models.campaigns.minhash import lockstep_pairs
from models.campaigns.surprise import surprising
from models.risk.money import Prices, pro_rata
from models.tables.plays import Listening
from runtime.arrays import Ints
from runtime.units import HOUR_MS

VERSION = "campaign-1"
FLAG = 0.5
LEAST_SIZE = 3
"""Accounts that make a campaign: two may be a couple."""
LEAST_ALIKE = 0.1
"""Jaccard similarity of (track, hour) sets from which two accounts are in lockstep: honest pairs stay under .02 but for
a few in ten thousand (labsmall, seed 21)."""
LEAST_COMMON = 5
"""(track, hour) pairs that two accounts in lockstep have in common: in one day many have but a few, and one hit of the
charts in the same hour would make two of them alike (53 honest accounts of the demo world, seed 7)."""
HOUSEHOLD = 6
"""Members of the largest family plan on offer: so many accounts on one payment method are a household."""
LEAST_REPEATS = 2
"""Streams of a track by one account from which it counts as an edge of a block."""
BLOCKS = 8
DENSER = 1.8
"""A block this many times as dense as chance makes one is flagged: fans on a release day reached 1.5 (labsmall, seed
21), a blatant farm of 7 accounts 2.2 (farm-raid, 3,000 accounts, 14 days, seed 5)."""
NAMED_TRACKS = 20


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that belong together, as codes of `Listening.users`."""

    kind: str
    users: Ints
    score: float
    reasons: list[str]


def lockstep(plays: Listening, rng: np.random.Generator) -> list[Group]:
    """Group accounts that stream the same tracks in the same hours."""
    streams = plays.is_stream
    hour = (plays.event_ms[streams] - plays.event_ms.min(initial=0)) // HOUR_MS
    token = plays.track[streams].astype(np.int64) * (1 << 24) + hour  # 2^24 hours are 1,900 years
    rows = np.unique(np.stack([plays.user[streams].astype(np.int64), token]), axis=1)
    pairs = lockstep_pairs(rows[0], rows[1], len(plays.users), rng, LEAST_ALIKE, LEAST_COMMON)
    groups = []
    for members in components([(one, other) for one, other, _ in pairs], len(plays.users)):
        inside = set(members)
        alike = [j for one, _, j in pairs if one in inside]
        score = _score(len(members) / LEAST_SIZE)
        mean = float(np.mean(alike))
        said = f"{len(members)} accounts stream the same tracks in the same hours: {100 * mean:.0f} % of both in common"
        groups.append(Group("lockstep", np.array(members), score, [f"{said}; two strangers share under 2 %"]))
    return groups


def on_shared_devices(plays: Listening) -> list[Group]:
    """Group accounts that were used on the same devices."""
    pairs = sharing_pairs(plays.user.astype(np.int64), plays.device.astype(np.int64))
    groups = []
    for members in components(pairs, len(plays.users)):
        devices = np.unique(plays.device[np.isin(plays.user, members) & (plays.device >= 0)])
        words = [f"{len(members)} accounts on devices they share ({len(devices)} devices in all); usually one"]
        if len(members) < LEAST_SIZE:
            words.append("may be two people who lend each other a phone")
        groups.append(Group("device", np.array(members), _score(len(members) / LEAST_SIZE), words))
    return groups


def on_shared_payment(plays: Listening, accounts: pd.DataFrame) -> list[Group]:
    """Group accounts paid for by one method. `accounts`: user_id, payment_id, plan."""
    known = accounts.set_index("user_id").reindex(plays.users)
    payment = pd.factorize(known["payment_id"])[0].astype(np.int64)
    groups = []
    for members in components(sharing_pairs(np.arange(len(payment)), payment), len(plays.users)):
        words = [f"{len(members)} accounts are paid for by one payment method; usually one"]
        if len(members) <= HOUSEHOLD:
            words.append(f"may be a household: up to {HOUSEHOLD} members share a family plan")
        groups.append(Group("payment", np.array(members), _score(len(members) / (HOUSEHOLD + 1)), words))
    return groups


def dense_blocks(plays: Listening, popularity: NDArray[np.float64], rng: np.random.Generator) -> list[Group]:
    """Group accounts that stream the same surprising tracks. `popularity` by track, frozen before the first day."""
    streams = plays.is_stream
    edges, repeats = np.unique(
        np.stack([plays.user[streams], plays.track[streams]]).astype(np.int64), axis=1, return_counts=True
    )
    edges = edges[:, repeats >= LEAST_REPEATS]
    by_user = np.bincount(plays.user[streams], minlength=len(plays.users))
    kept = surprising(edges[1], popularity, by_user, LEAST_REPEATS)
    user, track = edges[:, kept[edges[1]]]
    if not len(user):
        return []
    chance = chance_density(edges[0], edges[1], len(plays.users), len(plays.tracks), kept, rng)
    groups = []
    for block in densest_blocks(user, track, len(plays.users), len(plays.tracks), BLOCKS):
        ratio = block.density / max(chance, 1e-9)
        if len(block.users) >= LEAST_SIZE and ratio > 1:
            said = (
                f"{len(block.users)} accounts stream the same {len(block.tracks)} unpopular tracks, "
                f"{ratio:.1f} times as densely as chance makes it"
            )
            honest = "may be fans on a release day"
            groups.append(Group("block", block.users, _score(ratio / DENSER), [said, honest]))
    return groups


def _score(times: float) -> float:
    """Turn "this many times the threshold" into a score: 0.5 at the threshold, towards 1 above it.

    >>> _score(1), _score(3), _score(0.5) < 0.5
    (0.5, 0.75, True)
    """
    return float(times / (1 + times))


def find(
    plays: Listening,
    accounts: pd.DataFrame,
    popularity: NDArray[np.float64],
    rng: np.random.Generator,
    prices: Prices | None = None,
) -> pd.DataFrame:
    """Return table `campaigns`, the most suspicious first."""
    finders: dict[str, Callable[[], list[Group]]] = {
        "lockstep": lambda: lockstep(plays, rng),
        "device": lambda: on_shared_devices(plays),
        "payment": lambda: on_shared_payment(plays, accounts),
        "block": lambda: dense_blocks(plays, popularity, rng),
    }
    groups = [group for finder in finders.values() for group in finder()]
    rows = [_row(group, plays, prices or Prices()) for group in groups]
    columns = list(_row(Group("", np.array([], dtype=np.int64), 0.0, []), plays, Prices())) if not rows else None
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["score", "campaign_key"], ascending=[False, True], ignore_index=True)


def _row(group: Group, plays: Listening, prices: Prices) -> dict[str, object]:
    names = sorted(str(name) for name in plays.users[group.users])
    is_ours = np.isin(plays.user, group.users) & plays.is_stream
    tracks = _in_common(plays, is_ours)
    at = plays.event_ms[is_ours & np.isin(plays.track, tracks)] if len(tracks) else plays.event_ms[is_ours]
    return {
        "campaign_key": f"{group.kind}-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:12]}",
        "kind": group.kind,
        "user_ids": names,
        "size": len(names),
        "score": group.score,
        "is_flagged": group.score >= FLAG and len(names) >= LEAST_SIZE,
        "reasons": group.reasons,
        "track_ids": [str(track) for track in plays.tracks[tracks]],
        "first_seen": pd.Timestamp(at.min(initial=2**52), unit="ms", tz="UTC") if len(at) else pd.NaT,
        "last_seen": pd.Timestamp(at.max(initial=0), unit="ms", tz="UTC") if len(at) else pd.NaT,
        "streams": int(is_ours.sum()),
        "money_at_risk_eur": float(pro_rata(np.array([is_ours.sum()]), prices)[0]),
        "model_version": VERSION,
    }


def _in_common(plays: Listening, rows: NDArray[np.bool_]) -> Ints:
    """Return the tracks that at least two of the group's accounts stream, by streams, at most NAMED_TRACKS."""
    both = np.stack([plays.track[rows], plays.user[rows]]).astype(np.int64)
    pairs, streams = np.unique(both, axis=1, return_counts=True)
    listeners = np.bincount(pairs[0], minlength=1) if pairs.size else np.zeros(1, dtype=np.int64)
    total = np.bincount(pairs[0], weights=streams, minlength=1) if pairs.size else np.zeros(1)
    shared = np.flatnonzero(listeners >= 2)
    return shared[np.lexsort((shared, -total[shared]))][:NAMED_TRACKS]
