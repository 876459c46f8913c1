"""What a bot plays for money. 80 % of fraudulent streams are outside the top 10,000 tracks (CNM study, France 2021)."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.catalogue import Catalogue
from producer.simulator.rows import position

Tracks = NDArray[np.int32]


def tail_artist(catalogue: Catalogue, rng: Generator, n_tracks: int) -> tuple[int, Tracks]:
    """Pick an artist outside the popular ones, of at least `n_tracks` tracks if one turns up, and its first tracks."""
    n = len(catalogue.n_tracks)
    drawn = np.minimum((n * (0.03 + 0.97 * rng.random(20) ** 2)).astype(np.int64), n - 1)
    large = drawn[catalogue.n_tracks[drawn] >= n_tracks]
    artist = int(large[0] if len(large) else drawn[np.argmax(catalogue.n_tracks[drawn])])
    count = min(n_tracks, int(catalogue.n_tracks[artist]))
    return artist, catalogue.first_track[artist] + np.arange(count, dtype=np.int32)


def tail_list(catalogue: Catalogue, rng: Generator, n_tracks: int) -> Tracks:
    """Pick tracks of a label's artists, popular ones rarer, a few artists with most of them: an operator's playlist.

    Tracks of one artist stand together, as they do on records.
    """
    n = len(catalogue.n_tracks)
    artists = np.minimum((n * (0.01 + 0.99 * rng.random(n_tracks) ** 2)).astype(np.int64), n - 1)
    wanted = 1 + rng.geometric(0.12, n_tracks)
    counts = np.minimum(wanted, catalogue.n_tracks[artists])
    use = np.cumsum(counts) - counts < n_tracks
    artists, counts = artists[use], counts[use]
    tracks = np.repeat(catalogue.first_track[artists], counts) + position(counts)
    return tracks[:n_tracks].astype(np.int32)
