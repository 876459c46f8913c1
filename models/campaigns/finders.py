"""The finders: each groups accounts by one kind of trace in a world's plays, with a score and reasons in words."""

from collections.abc import Sized
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.wording import reasons as words
from contracts.wording.quantities import count_of, format_quantity
from models.campaigns.blocks import chance_density, densest_blocks
from models.campaigns.co_listening import find_odd_tracks
from models.campaigns.components import components, sharing_pairs
from models.campaigns.lifted import lifted_groups
from models.campaigns.minhash import lockstep_pairs
from models.campaigns.surprise import surprising_tracks
from models.campaigns.track_evidence import LIFT
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
MIN_SHARED_TRACKS, MIN_OVERLAP = 3, 0.5
"""Odd tracks that link two accounts, and their share of the odd tracks of either: with less than half, the fans of all
artists are one group of thousands (scenario default, 8,000 accounts, 28 days, seed 5)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that seem to belong together, as codes of `Plays.users`. A score of 0.5 and more is a flag.

    `tightness`: from 0 to 1, how much of what links its accounts any two of them have in common.
    """

    kind: str
    users: Ints
    score: float
    reasons: list[str]
    tightness: float = 0.0


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
        reason = words.LOCKSTEP.format(accounts=_accounts(members), share=format_quantity(mean, "share"))
        groups.append(Group("lockstep", np.array(members), _score(len(members) / MIN_SIZE), [reason], mean))
    return groups


def find_shared_tracks(plays: Plays) -> list[Group]:
    """Group accounts that repeat the same tracks, at any time, which hardly anybody would repeat by chance."""
    streams = plays.is_stream
    user, track = plays.user[streams].astype(np.int64), plays.track[streams].astype(np.int64)
    odd = find_odd_tracks(user, track, np.ones_like(user), len(plays.users))
    a, b, common, overlap = odd.links()
    is_close = (a < b) & (common >= MIN_SHARED_TRACKS) & (overlap >= MIN_OVERLAP)
    a, b, overlap = a[is_close], b[is_close], overlap[is_close]
    groups = []
    for members in components(list(zip(a.tolist(), b.tolist(), strict=True)), len(plays.users)):
        if len(members) < MIN_SIZE:
            continue
        # two accounts of the group that are not linked have less than the least overlap: counted as none
        tightness = float(overlap[np.isin(a, members)].sum() / (len(members) * (len(members) - 1) / 2))
        tracks = len(np.unique(odd.track[np.isin(odd.user, members)]))
        share = format_quantity(tightness, "share")
        reason = words.SHARED_TRACKS.format(accounts=_accounts(members), tracks=count_of(tracks, "track"), share=share)
        reasons = [reason, words.MAYBE_FANS]
        groups.append(Group("shared_tracks", np.array(members), _score(len(members) / MIN_SIZE), reasons, tightness))
    return groups


def find_lifted_tracks(plays: Plays, popularity: NDArray[np.float64]) -> list[Group]:
    """Group accounts that lift the same tracks over their popularity; `popularity`: see `find_dense_blocks`."""
    streams = plays.is_stream
    user, track = plays.user[streams].astype(np.int64), plays.track[streams].astype(np.int64)
    groups = []
    for members, tightness, tracks in lifted_groups(user, track, popularity, len(plays.users)):
        lifted = count_of(len(tracks), "track")
        reason = words.LIFTED_TRACKS.format(accounts=_accounts(members), tracks=lifted, times=f"{LIFT:.0f}")
        reasons = [reason, words.MAYBE_FANS]
        groups.append(Group("lifted_tracks", members, _score(len(members) / MIN_SIZE), reasons, tightness))
    return groups


def find_shared_devices(plays: Plays) -> list[Group]:
    """Group accounts that were used on the same devices."""
    pairs = sharing_pairs(plays.user.astype(np.int64), plays.device.astype(np.int64))
    groups = []
    for members in components(pairs, len(plays.users)):
        devices = np.unique(plays.device[np.isin(plays.user, members) & (plays.device >= 0)])
        held = count_of(len(devices), "device")
        reasons = [words.SHARED_DEVICES.format(accounts=_accounts(members), devices=held)]
        if len(members) < MIN_SIZE:
            reasons.append(words.MAYBE_LENT)
        groups.append(Group("device", np.array(members), _score(len(members) / MIN_SIZE), reasons))
    return groups


def find_shared_payment(plays: Plays, accounts: pd.DataFrame) -> list[Group]:
    """Group accounts that one payment method pays for. `accounts`: user_id, payment_id."""
    known = accounts.set_index("user_id").reindex(plays.users)
    payment = pd.factorize(known["payment_id"])[0].astype(np.int64)
    groups = []
    for members in components(sharing_pairs(np.arange(len(payment)), payment), len(plays.users)):
        reasons = [words.SHARED_PAYMENT.format(accounts=_accounts(members))]
        if len(members) <= HOUSEHOLD:
            reasons.append(words.MAYBE_HOUSEHOLD.format(members=HOUSEHOLD))
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
        if len(block.users) < MIN_SIZE:
            continue
        ratio = block.density / max(chance, 1e-9)
        edges_inside = np.isin(user, block.users) & np.isin(track, block.tracks)
        tightness = float(edges_inside.sum() / (len(block.users) * len(block.tracks)))
        reason = words.BLOCK.format(
            accounts=_accounts(block.users), tracks=count_of(len(block.tracks), "track"),
            share=format_quantity(tightness, "share"),
        )  # fmt: skip
        if round(ratio, 1) > 1:  # a small tight block can be less dense than a large one that chance makes
            reason += words.OVER_CHANCE.format(times=f"{ratio:.1f}")
        reasons = [reason, words.MAYBE_RELEASE_DAY]
        groups.append(Group("block", block.users, _score(ratio / FLAG_RATIO), reasons, tightness))
    return groups


def _accounts(members: Sized) -> str:
    return count_of(len(members), "account")


def _score(ratio: float) -> float:
    """Convert value ÷ threshold to a score: 0.5 at the threshold, towards 1 above it.

    >>> _score(1), _score(3), _score(0.5) < 0.5
    (0.5, 0.75, True)
    """
    return float(ratio / (1 + ratio))
