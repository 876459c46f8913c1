"""What a bot plays for money. 80 % of fraudulent streams are outside the top 10,000 tracks (CNM study, France 2021)."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.catalogue import Catalogue
from producer.simulator.rows import position

Tracks = NDArray[np.int32]


def tail_artist(catalogue: Catalogue, rng: Generator, n_tracks: int, difficulty: float) -> tuple[int, Tracks]:
    """Pick an artist outside the popular ones and its first tracks; of some drawn, one with `n_tracks` or the most.

    The harder the campaign, the less obscure the artist: unheard-of ones stand out.
    """
    n = len(catalogue.n_tracks)
    depth = (1 - 0.8 * difficulty) ** 2
    drawn = np.minimum((n * (0.005 + 0.995 * depth * rng.random(20) ** 2)).astype(np.int64), n - 1)
    large = drawn[catalogue.n_tracks[drawn] >= n_tracks]
    artist = int(large[0] if len(large) else drawn[np.argmax(catalogue.n_tracks[drawn])])
    count = min(n_tracks, int(catalogue.n_tracks[artist]))
    return artist, catalogue.first_track[artist] + np.arange(count, dtype=np.int32)


def records(catalogue: Catalogue, artists: NDArray[np.integer], rng: Generator) -> Tracks:
    """Return stretches of tracks (about eight) of each artist, as they stand on records."""
    counts = np.minimum(1 + rng.geometric(0.12, len(artists)), catalogue.n_tracks[artists])
    return (np.repeat(catalogue.first_track[artists], counts) + position(counts)).astype(np.int32)


def tail_list(catalogue: Catalogue, rng: Generator, n_tracks: int) -> Tracks:
    """Pick tracks of a label's artists, popular ones rarer: an operator's playlist."""
    n = len(catalogue.n_tracks)
    artists = np.minimum((n * (0.01 + 0.99 * rng.random(n_tracks) ** 2)).astype(np.int64), n - 1)
    return records(catalogue, artists, rng)[:n_tracks]


def newest(catalogue: Catalogue, tracks: Tracks, n_tracks: int) -> Tracks:
    """Return the `n_tracks` of some tracks that came out last before the world's first day, in the order given."""
    age = np.where(catalogue.released_days[tracks] > 0, catalogue.released_days[tracks], 1 << 30)
    return tracks[np.sort(np.argsort(age, kind="stable")[:n_tracks])]


def sounds(catalogue: Catalogue, rng: Generator, n_tracks: int, longest_s: float, difficulty: float) -> Tracks:
    """Pick tracks of obscure artists of 31 s to `longest_s` seconds; the shortest over 31 s where too few fit.

    Artists with many such tracks are preferred: makers of sounds make little else. The harder the campaign, the less
    obscure the artists.
    """
    rank = catalogue.artist_of / len(catalogue.n_tracks)
    obscure = np.flatnonzero((rank >= 0.01) & (rank <= 0.02 + (1 - 0.8 * difficulty) ** 2))
    paying = obscure[(catalogue.duration_ms[obscure] >= 31_000) & (catalogue.released_days[obscure] > 0)]
    fitting = paying[catalogue.duration_ms[paying] <= longest_s * 1000]
    if len(fitting) < n_tracks:
        fitting = paying[np.argsort(catalogue.duration_ms[paying], kind="stable")[:n_tracks]]
    artist, count = np.unique(catalogue.artist_of[fitting], return_counts=True)
    fitting = fitting[np.argsort(catalogue.artist_of[fitting], kind="stable")]
    weight = count.astype(float) * count * count
    order = rng.choice(len(artist), min(n_tracks, len(artist)), replace=False, p=weight / weight.sum())
    starts = np.cumsum(count) - count
    chosen = np.repeat(starts[order], count[order]) + position(count[order])
    return fitting[chosen[:n_tracks]].astype(np.int32)
