"""What a bot plays for money. 80 % of fraudulent streams are outside the top 10,000 tracks (CNM study, France 2021)."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.catalogue import Catalogue

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
    """Pick tracks of many artists, popular ones rarer: an operator's playlist."""
    n = len(catalogue.artist_of)
    artists = np.minimum((len(catalogue.n_tracks) * (0.01 + 0.99 * rng.random(n_tracks) ** 2)).astype(np.int64),
                         len(catalogue.n_tracks) - 1)  # fmt: skip
    within = (rng.random(n_tracks) * catalogue.n_tracks[artists]).astype(np.int32)
    return np.minimum(catalogue.first_track[artists] + within, n - 1).astype(np.int32)
