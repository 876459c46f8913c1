"""Evidence of the track: who plays tracks that have far more plays than is usual for them, from few accounts.

A bot that behaves like a person still plays what it is paid for. Its track then has more plays than its popularity
explains, or more on a day than on others, or more of its artist's plays than it usually has, and a few accounts make
them. One fan alone does that to a song as well, so a track counts from MIN_ACCOUNTS accounts on, and the more the fewer
they are. All of this is read from the log and from the popularity that each track had before it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, poisson

from models.campaigns.co_listening import core_numbers, link_accounts
from runtime.arrays import Bools, Floats, Ints

LIFT = 3.0
"""Plays over so many times the expected ones are lifted: a choice."""
DAY_LIFT = 2.0
"""The same of a track's day, against its other days."""
MIN_PLAYS = 3
"""Plays of a track, in the window or on a day, from which an account repeats it: a choice."""
MIN_ACCOUNTS = 3
"""Accounts that repeat a track, at least."""
MAX_ACCOUNTS = 30
"""Accounts over which a track that they repeat is a hit with fans, not a target: a choice."""
MIN_SHARED = 2
"""Lifted tracks that link two accounts."""
MIN_OF_OWN = 0.01
"""Share of an account's plays from which a track can link it: who plays everything is linked to everybody. A choice."""
CHANCE_OF_TRACK, CHANCE_OF_DAY, CHANCE_IN_ARTIST = 1e-6, 1e-4, 1e-4
"""Probabilities under which the plays of a track, of a track's day, and of a track among an account's plays of its
artist are not chance: choices."""


@dataclass(frozen=True, slots=True)
class DayPlays:
    """Plays of a window, counted by account, track and day: arrays of equal length."""

    user: Ints
    """0 to the number of accounts − 1."""
    track: Ints
    """0 to the number of tracks − 1, as `day`."""
    day: Ints
    plays: Ints


@dataclass(frozen=True, slots=True)
class TrackEvidence:
    """What the tracks of an account say of it: arrays of shape (accounts,)."""

    lifted_by_few: Floats
    """Share of its plays on lifted tracks, each divided by the accounts that repeat it."""
    lifted_share: Floats
    """Share of its plays on lifted tracks, each times the share of the track's plays that repeating accounts make."""
    lifted_core: Floats
    """Largest k such that it is in a group in which each is linked to k others by MIN_SHARED lifted tracks."""
    odd_in_artist: Floats
    """Share of its plays on lifted tracks that are far more of its plays of the artist than the artist's usual."""
    surge_by_few: Floats
    """Share of its plays on days on which a track has far more plays than on others, divided by who repeats it then."""
    surge_days: Floats
    """Days on which it repeats a track that has far more plays that day than its popularity explains."""


def find_track_evidence(counts: DayPlays, popularity: Floats, artist: Ints, n_users: int) -> TrackEvidence:
    """Return the evidence of the tracks; `popularity` and `artist` are by track, popularity 0 where it is unknown."""
    n_tracks = len(popularity)
    of_user = np.maximum(_total(counts.user, counts.plays, n_users), 1)
    key, plays = _sum_by_key(counts.user * n_tracks + counts.track, counts.plays)
    user, track = key // n_tracks, key % n_tracks
    total = _total(track, plays, n_tracks)
    expected = popularity / max(float(popularity.sum()), 1e-12) * total.sum()
    repeats = plays >= MIN_PLAYS
    accounts = _total(track[repeats], np.ones(repeats.sum()), n_tracks)
    is_shared = (accounts >= MIN_ACCOUNTS) & (popularity > 0)
    excess = np.where(is_shared, excess_share(total, expected, LIFT, CHANCE_OF_TRACK), 0.0)
    by_repeating = _total(track[repeats], plays[repeats], n_tracks) / np.maximum(total, 1)
    is_target = repeats & (excess[track] > 0) & (accounts[track] <= MAX_ACCOUNTS)
    links = is_target & (plays >= MIN_OF_OWN * of_user[user])
    is_odd = is_target & _is_odd_in_artist(user, track, plays, popularity, artist)
    surge, surge_days = _find_surges(counts, total, expected, n_users)
    return TrackEvidence(
        lifted_by_few=_total(user, plays * (excess / np.maximum(accounts, 1))[track], n_users) / of_user,
        lifted_share=_total(user, plays * (excess * by_repeating)[track], n_users) / of_user,
        lifted_core=_find_cores(user[links], track[links], n_users),
        odd_in_artist=_total(user[is_odd], plays[is_odd], n_users) / of_user,
        surge_by_few=surge / of_user,
        surge_days=surge_days,
    )


def _find_surges(counts: DayPlays, total: Floats, expected: Floats, n_users: int) -> tuple[Floats, Floats]:
    """Return by account its plays in surges, divided by who repeats the track that day, and days in lifted ones."""
    n_days = int(counts.day.max(initial=0)) + 1
    pair, of_pair = np.unique(counts.track * n_days + counts.day, return_inverse=True)
    track, n_pairs = pair // n_days, len(pair)
    plays = _total(of_pair, counts.plays, n_pairs)
    repeats = counts.plays >= MIN_PLAYS
    accounts = _total(of_pair[repeats], np.ones(repeats.sum()), n_pairs)
    is_shared = accounts >= MIN_ACCOUNTS
    usual = (total[track] - plays + 0.5) / max(n_days - 1, 1)
    over_usual = np.where(is_shared, excess_share(plays, usual, DAY_LIFT, CHANCE_OF_DAY), 0.0)
    is_known = is_shared & (expected[track] > 0)
    over_popularity = np.where(is_known, excess_share(plays, expected[track] / n_days, DAY_LIFT, CHANCE_OF_DAY), 0.0)
    weight = (over_usual / np.maximum(accounts, 1))[of_pair]
    surge = _total(counts.user[repeats], (counts.plays * weight)[repeats], n_users)
    is_lifted = repeats & (over_popularity[of_pair] > 0)
    days = np.unique(counts.user[is_lifted] * n_days + counts.day[is_lifted]) // n_days
    return surge, _total(days, np.ones(len(days)), n_users)


def _is_odd_in_artist(user: Ints, track: Ints, plays: Floats, popularity: Floats, artist: Ints) -> Bools:
    """Return which tracks are far more of an account's plays of their artist than their popularity lets expect."""
    n_artists = int(artist.max(initial=0)) + 1
    of_artist = np.bincount(artist, weights=popularity, minlength=n_artists)
    usual = popularity / np.maximum(of_artist[artist], 1e-12)
    _, pair = np.unique(user * n_artists + artist[track], return_inverse=True)
    own = np.bincount(pair, weights=plays)[pair] if len(pair) else np.zeros(0)
    return np.asarray(binom.sf(plays - 1, own, np.minimum(DAY_LIFT * usual[track], 1.0)) < CHANCE_IN_ARTIST)


def _find_cores(user: Ints, track: Ints, n_users: int) -> Floats:
    """Return the core number of each account in the graph of accounts that share MIN_SHARED of these tracks."""
    a, b, _ = link_accounts(user, track, n_users, MIN_SHARED)
    return core_numbers(a, b, n_users).astype(np.float64)


def excess_share(plays: Floats, expected: Floats, lift: float, chance: float) -> Floats:
    """Return the share of plays over `lift` times the expected ones; 0 where that can be chance (Poisson).

    >>> excess_share(np.array([100.0, 4.0]), np.array([5.0, 1.0]), 3.0, 1e-6).tolist()
    [0.85, 0.0]
    """
    most = np.maximum(lift * expected, 0.01)
    return np.where(poisson.sf(plays - 1, most) < chance, np.clip(1 - most / np.maximum(plays, 1), 0, 1), 0.0)


def _total(index: Ints, values: Floats | Ints, n: int) -> Floats:
    return np.bincount(index, weights=values, minlength=n).astype(np.float64)


def _sum_by_key(key: Ints, values: Ints) -> tuple[Ints, Floats]:
    unique, position = np.unique(key, return_inverse=True)
    return unique, _total(position, values, len(unique))
