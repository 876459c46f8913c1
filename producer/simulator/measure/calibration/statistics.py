"""Statistics of honest listening that have a published value: user-days, skips, popularity, hours, gaps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.events import REASONS_END, STREAM_MS
from producer.simulator.measure.listened import Listened
from runtime.arrays import Floats
from runtime.units import DAY_MS, HOUR_MS

DONE = REASONS_END.index("trackdone")
SESSION_PLAYS = 10, 20
"""The Music Streaming Sessions have 10 to 20 plays: shorter sessions are left out, longer ones cut."""
DAYPARTS = (("early", 5, 11), ("working", 11, 17), ("evening", 17, 22), ("night", 22, 29))


@dataclass(frozen=True, slots=True)
class UserDays:
    """One element per account and local day with listening, whole days of the world only."""

    plays: NDArray[np.int64]
    hours: Floats
    unique: NDArray[np.int64]
    completed: Floats
    skipped: NDArray[np.int64]


def whole_days(plays: Listened) -> NDArray[np.bool_]:
    """Tell which plays lie on a local day that the world covers whole, whatever the zone."""
    first, last = plays.local_day.min(), plays.local_day.max()
    return (plays.local_day > first + 1) & (plays.local_day < last - 1) if last - first > 4 else plays.local_day > -1


def user_days(plays: Listened) -> UserDays:
    """Sum plays by account and local day."""
    keep = whole_days(plays)
    key = plays.user[keep].astype(np.int64) * 100_000 + plays.local_day[keep]
    _, day = np.unique(key, return_inverse=True)
    n = int(day.max()) + 1
    count = np.bincount(day, minlength=n)
    is_done = plays.reason_end[keep] == DONE
    first_of_track = np.unique(day.astype(np.int64) * 10_000_000 + plays.track[keep], return_index=True)[1]
    return UserDays(
        plays=count,
        hours=np.bincount(day, plays.listen_ms[keep], n) / HOUR_MS,
        unique=np.bincount(day[first_of_track], minlength=n),
        completed=np.bincount(day, is_done, n) / count,
        skipped=np.bincount(day, ~is_done, n).astype(np.int64),
    )


def in_long_sessions(plays: Listened) -> NDArray[np.bool_]:
    """Tell which plays are among the first 20 of a session of at least 10."""
    counts = np.bincount(plays.session)
    return (counts[plays.session] >= SESSION_PLAYS[0]) & (plays.position <= SESSION_PLAYS[1])


def is_brief(plays: Listened) -> NDArray[np.bool_]:
    """Tell which plays were cut before half of the track: our reading of `played briefly`."""
    return (plays.reason_end != DONE) & (plays.listen_ms < 0.5 * plays.duration_ms)


def brief_by_position(plays: Listened, positions: tuple[int, ...]) -> list[float]:
    """Return the share of brief plays at each position of long sessions."""
    keep = in_long_sessions(plays)
    brief, place = is_brief(plays)[keep], plays.position[keep]
    return [float(brief[place == p].mean()) for p in positions]


def cut_within(plays: Listened, seconds: int) -> float:
    """Return the share of plays in long sessions that were cut within some seconds."""
    keep = in_long_sessions(plays)
    return float(((plays.listen_ms < seconds * 1000) & (plays.reason_end != DONE))[keep].mean())


def artist_counts(plays: Listened) -> NDArray[np.int64]:
    """Count plays by artist, the most played first; artists never played are left out."""
    counts = np.sort(np.bincount(plays.artist))[::-1]
    return counts[counts > 0]


def zipf_exponent(counts: NDArray[np.int64], low: int = 10, high: int = 1000) -> float:
    """Fit counts ~ rank^-a over a range of ranks, by least squares on ranks evenly spread in log."""
    high = min(high, len(counts))
    ranks = np.unique(np.geomspace(low, high, 60).astype(int))
    slope = np.polyfit(np.log(ranks), np.log(counts[ranks - 1]), 1)[0]
    return float(-slope)


def top_share(counts: NDArray[np.int64], share: float = 0.01) -> float:
    """Return the share of plays that the top `share` of artists have."""
    return float(counts[: max(round(len(counts) * share), 1)].sum() / counts.sum())


def same_day_repeats(plays: Listened) -> float:
    """Return the share of plays whose track the account already played that local day."""
    days = user_days(plays)
    return float(1 - days.unique.sum() / days.plays.sum())


def by_hour(plays: Listened) -> Floats:
    """Return the share of plays by local hour."""
    hour = plays.local_ms % DAY_MS // HOUR_MS
    return np.bincount(hour, minlength=24) / len(hour)


def chronotypes(plays: Listened, at_least: int = 100) -> dict[str, float]:
    """Return the share of accounts by the part of the day that they favour most against everybody."""
    hour = plays.local_ms % DAY_MS // HOUR_MS
    part = np.select([(hour >= low) & (hour < high) for _, low, high in DAYPARTS[:3]], [0, 1, 2], 3)
    counts = np.zeros((int(plays.user.max()) + 1, 4))
    np.add.at(counts, (plays.user, part), 1)
    counts = counts[counts.sum(axis=1) >= at_least]
    share = counts / counts.sum(axis=1, keepdims=True)
    favourite = np.argmax(share / share.mean(axis=0), axis=1)
    return {name: float((favourite == i).mean()) for i, (name, _, _) in enumerate(DAYPARTS)}


def saturday_ratio(plays: Listened) -> float:
    """Return plays on a Saturday against a mean weekday (Monday to Friday)."""
    keep = whole_days(plays)
    days, counts = np.unique(plays.local_day[keep], return_counts=True)
    weekday = (days + 3) % 7
    return float(counts[weekday == 5].mean() / counts[weekday < 5].mean())


def log_gaps(plays: Listened) -> tuple[Floats, NDArray[np.bool_]]:
    """Return log10 of the seconds between consecutive starts, and whether the next gap is the same account's."""
    start = plays.end_ms - plays.listen_ms
    order = np.lexsort((start, plays.user))  # two people on one account: their plays end in another order
    start, user = start[order], plays.user[order]
    is_same = np.diff(user) == 0
    gap = np.maximum(np.diff(start), 1) / 1000
    return np.log10(gap)[is_same], (user[1:][is_same] == np.append(user[2:], -1)[is_same])


def gap_modes(plays: Listened) -> tuple[float, float, float]:
    """Return (mode below 30 min, mode above, valley ÷ lower mode) of the histogram of log gaps; modes in seconds."""
    gaps, _ = log_gaps(plays)
    edges = np.linspace(-0.5, 6, 66)
    height = np.histogram(gaps, edges)[0].astype(float)
    height = np.convolve(height, np.ones(3) / 3, "same")
    centre = (edges[1:] + edges[:-1]) / 2
    split = np.log10(1800)
    low = int(np.argmax(np.where(centre < split, height, 0)))
    high = int(np.argmax(np.where(centre >= split, height, 0)))
    valley = height[low : high + 1].min()
    return 10 ** centre[low], 10 ** centre[high], float(valley / min(height[low], height[high]))


def gap_memory(plays: Listened) -> float:
    """Return the correlation of consecutive log gaps of one account."""
    gaps, has_next = log_gaps(plays)
    first = np.flatnonzero(has_next[:-1])
    return float(np.corrcoef(gaps[first], gaps[first + 1])[0, 1])


def shares(codes: NDArray[np.int32], words: tuple[str, ...]) -> dict[str, float]:
    """Return the share of each word of a vocabulary."""
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    return dict(zip(words, (counts / counts.sum()).tolist(), strict=True))


def stream_share(plays: Listened) -> float:
    """Return the share of plays that are streams."""
    return float((plays.listen_ms >= STREAM_MS).mean())
