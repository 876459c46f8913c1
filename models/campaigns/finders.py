"""The finders: each groups accounts by one kind of trace in a world's plays, with a score and reasons in words."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.campaigns.blocks import chance_density, densest_blocks
from models.campaigns.components import components, sharing_pairs
from models.campaigns.minhash import lockstep_pairs
from models.campaigns.surprise import surprising_tracks
from models.tables.plays import Plays
from runtime.arrays import Ints
from runtime.units import HOUR_MS

MIN_SIZE = 3
"""Accounts that make a campaign: two may be a couple."""
MIN_SIMILARITY = 0.1
"""Jaccard similarity of (track, hour) sets from which two accounts are in lockstep: honest pairs stay under .02, except
a few in ten thousand (lab world, seed 21)."""
MIN_COMMON = 5
"""(track, hour) pairs that two accounts in lockstep have in common. In one day many accounts have few pairs, and one
hit of the charts in the same hour would make two of them similar (53 honest accounts of the demo world, seed 7)."""
HOUSEHOLD = 6
"""Members of the largest family plan on the market: up to so many accounts on one payment method may be a household."""
MIN_REPEATS = 2
"""Streams of a track by one account from which they are an edge of the graph of blocks."""
MAX_BLOCKS = 8
FLAG_RATIO = 1.8
"""A block is flagged from this many times the density that chance makes: fans on a release day reached 1.5 (lab world,
seed 21), a farm of 7 accounts 2.2 (scenario farm-raid, 3,000 accounts, 14 days, seed 5)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that seem to belong together, as codes of `Plays.users`. A score of 0.5 and more is a flag."""

    kind: str
    users: Ints
    score: float
    reasons: list[str]


def find_lockstep(plays: Plays, rng: np.random.Generator) -> list[Group]:
    """Group accounts that stream the same tracks in the same hours. `rng` draws the hash functions."""
    streams = plays.is_stream
    hour = (plays.event_ms[streams] - plays.event_ms.min(initial=0)) // HOUR_MS
    token = plays.track[streams].astype(np.int64) * (1 << 24) + hour  # 2^24 hours are 1,900 years
    rows = np.unique(np.stack([plays.user[streams].astype(np.int64), token]), axis=1)
    pairs = lockstep_pairs(rows[0], rows[1], len(plays.users), rng, MIN_SIMILARITY, MIN_COMMON)
    groups = []
    for members in components([(one, other) for one, other, _ in pairs], len(plays.users)):
        inside = set(members)
        mean = float(np.mean([similarity for one, _, similarity in pairs if one in inside]))
        reason = (
            f"{len(members)} accounts stream the same tracks in the same hours: {100 * mean:.0f} % of both in common; "
            "two strangers share under 2 %"
        )
        groups.append(Group("lockstep", np.array(members), _score(len(members) / MIN_SIZE), [reason]))
    return groups


def find_shared_devices(plays: Plays) -> list[Group]:
    """Group accounts that were used on the same devices."""
    pairs = sharing_pairs(plays.user.astype(np.int64), plays.device.astype(np.int64))
    groups = []
    for members in components(pairs, len(plays.users)):
        devices = np.unique(plays.device[np.isin(plays.user, members) & (plays.device >= 0)])
        reasons = [f"{len(members)} accounts on devices they share ({len(devices)} devices in all); usually one"]
        if len(members) < MIN_SIZE:
            reasons.append("may be two people who lend each other a phone")
        groups.append(Group("device", np.array(members), _score(len(members) / MIN_SIZE), reasons))
    return groups


def find_shared_payment(plays: Plays, accounts: pd.DataFrame) -> list[Group]:
    """Group accounts that one payment method pays for. `accounts`: user_id, payment_id."""
    known = accounts.set_index("user_id").reindex(plays.users)
    payment = pd.factorize(known["payment_id"])[0].astype(np.int64)
    groups = []
    for members in components(sharing_pairs(np.arange(len(payment)), payment), len(plays.users)):
        reasons = [f"{len(members)} accounts are paid for by one payment method; usually one"]
        if len(members) <= HOUSEHOLD:
            reasons.append(f"may be a household: up to {HOUSEHOLD} members share a family plan")
        groups.append(Group("payment", np.array(members), _score(len(members) / (HOUSEHOLD + 1)), reasons))
    return groups


def find_dense_blocks(plays: Plays, popularity: NDArray[np.float64], rng: np.random.Generator) -> list[Group]:
    """Group accounts that stream the same surprising tracks.

    `popularity`: by track code, its share of all plays, frozen before the first day. `rng` shuffles the chance graph.
    """
    streams = plays.is_stream
    edges, repeats = np.unique(
        np.stack([plays.user[streams], plays.track[streams]]).astype(np.int64), axis=1, return_counts=True
    )
    edges = edges[:, repeats >= MIN_REPEATS]
    by_user = np.bincount(plays.user[streams], minlength=len(plays.users))
    is_surprising = surprising_tracks(edges[1], popularity, by_user, MIN_REPEATS)
    user, track = edges[:, is_surprising[edges[1]]]
    if not len(user):
        return []
    chance = chance_density(edges[0], edges[1], len(plays.users), len(plays.tracks), is_surprising, rng)
    groups = []
    for block in densest_blocks(user, track, len(plays.users), len(plays.tracks), MAX_BLOCKS):
        ratio = block.density / max(chance, 1e-9)
        if len(block.users) >= MIN_SIZE and ratio > 1:
            reason = (
                f"{len(block.users)} accounts stream the same {len(block.tracks)} unpopular tracks, "
                f"{ratio:.1f} times as densely as chance makes it"
            )
            reasons = [reason, "may be fans on a release day"]
            groups.append(Group("block", block.users, _score(ratio / FLAG_RATIO), reasons))
    return groups


def _score(ratio: float) -> float:
    """Convert value ÷ threshold to a score: 0.5 at the threshold, towards 1 above it.

    >>> _score(1), _score(3), _score(0.5) < 0.5
    (0.5, 0.75, True)
    """
    return float(ratio / (1 + ratio))
