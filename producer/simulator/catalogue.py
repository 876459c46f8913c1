"""Tracks and artists: long-tailed popularity, lengths, release dates. Index order is popularity order; ids hide it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.draws import Alias, Purpose, normal, stream, uniform
from producer.simulator.ids import Ids, Kind
from producer.simulator.same_math import exp, power
from runtime.arrays import Floats

GENRES = (
    "pop",
    "hip hop",
    "rock",
    "electronic",
    "latin",
    "r&b",
    "indie",
    "metal",
    "folk",
    "jazz",
    "classical",
    "ambient",
)
_WORDS = """
amber blue cedar dawn echo ember field glass golden harbor hollow iron ivory lake light lunar maple marble
meadow midnight mirror moss night north ocean opal paper pine quiet rain river salt shadow silver sky slow
snow south stone storm summer sun tide velvet violet water west white wild wind winter wolf
""".split()  # noqa: SIM905 - a list of words reads best as words


@dataclass(frozen=True, slots=True)
class CatalogueSettings:
    """Size and shape of the catalogue.

    Popularity is rank^-a over artists (a second exponent beyond `knee`) and rank^-b within an artist. Exponents:
    hetrec-Last.fm-2k, .78 over ranks 1–100, .99 over 10–1,000, 1.25 over 100–5,000.
    """

    n_artists: int = 10_000
    tracks_per_artist_mean: float = 20.0
    tracks_log_sd: float = 0.8
    artist_exponent: float = 0.94
    tail_exponent: float = 1.25
    knee: int = 700
    track_exponent: float = 0.6
    length_median_s: float = 215.0
    length_log_sd: float = 0.2
    """Between the tracks of an artist."""
    artist_log_sd: float = 0.2
    """Between artists: some play three minutes, some nine."""
    length_floor_s: float = 30.0
    length_cap_s: float = 1200.0
    short_share: float = 0.01
    """Share of tracks just over 30 s (to 45 s)."""
    releases_a_day: float = 4.0
    """Tracks that come out on each day of the world, by artists popular and not."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The catalogue as arrays: `first_track` and `n_tracks` by artist, the rest by track."""

    first_track: NDArray[np.int32]
    n_tracks: NDArray[np.int32]
    artist_popularity: Floats
    track_popularity: Floats
    artist_of: NDArray[np.int32]
    duration_ms: NDArray[np.int32]
    released_days: NDArray[np.int32]
    """Days from the release to the first day of the world; negative if it comes out later."""
    artists: Alias
    track_exponent: float
    releases: NDArray[np.int32]
    """Tracks that come out within the world, by their day."""
    fresh: NDArray[np.int32]
    """(days, FRESH_DRAWS) new tracks to draw from on each local day: they rise at once and fade in a week or so."""

    def draw_track(self, artist: NDArray[np.int32], u: NDArray[np.float32]) -> NDArray[np.int32]:
        """Pick a track of each artist with weight rank^-b, by the inverse of its continuous distribution."""
        rise = np.float32(1 - self.track_exponent)
        last = self.n_tracks[artist].astype(np.float32)
        rank = power((power(last + 1, rise) - 1) * u + 1, 1 / rise) - 1
        return self.first_track[artist] + np.minimum(rank, last - 1).astype(np.int32)

    def not_yet_out(self, track: NDArray[np.int32], day: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which tracks are still to come on a local day (0 is the day before the world's first)."""
        return self.released_days[track] + day < 1


FRESH_DRAWS = 512
FADE_DAYS = 6.0
"""A release loses two thirds of its plays in about this time: an assumption."""


def make_catalogue(settings: CatalogueSettings, seed: int, days: int) -> Catalogue:
    """Draw the catalogue of a world of so many days."""
    rng = stream(seed, Purpose.CATALOGUE)
    n = settings.n_artists
    rank = np.arange(1, n + 1, dtype=np.float64)
    head = power(np.minimum(rank, settings.knee), -settings.artist_exponent)
    artist_popularity = head * power(np.maximum(rank / settings.knee, 1), -settings.tail_exponent)
    artist_popularity /= artist_popularity.sum()
    n_tracks = _tracks_per_artist(settings, rng)
    artist_of = np.repeat(np.arange(n, dtype=np.int32), n_tracks)
    first_track = np.concatenate(([0], np.cumsum(n_tracks)[:-1])).astype(np.int32)
    within = np.arange(len(artist_of)) - first_track[artist_of] + 1
    weight = power(within.astype(np.float64), -settings.track_exponent)
    track_popularity = weight / np.add.reduceat(weight, first_track)[artist_of]
    total = len(artist_of)
    age = rng.gamma(1.2, 900, total) + 1
    released_days = age.astype(np.int32)
    releases, fresh = _releases(settings, rng, days, first_track, n_tracks, released_days)
    return Catalogue(
        first_track,
        n_tracks,
        artist_popularity,
        track_popularity,
        artist_of,
        _lengths(settings, rng, artist_of),
        released_days,
        Alias(artist_popularity),
        settings.track_exponent,
        releases,
        fresh,
    )


def _releases(
    settings: CatalogueSettings, rng: Generator, days: int, first_track: NDArray[np.int32],
    n_tracks: NDArray[np.int32], released_days: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:  # fmt: skip
    """Let the last track of some artists come out within the world; change `released_days`, return (tracks, draws)."""
    count = min(max(int(settings.releases_a_day * (days + 14)), 8), int((n_tracks > 1).sum()) // 2 + 1)
    chance = np.where(n_tracks > 1, power(np.arange(1.0, len(n_tracks) + 1), -0.5), 0.0)
    artist = rng.choice(len(n_tracks), min(count, int((chance > 0).sum())), replace=False, p=chance / chance.sum())
    tracks = (first_track + n_tracks - 1)[artist].astype(np.int32)
    day = np.sort(rng.integers(-14, days, len(tracks)))
    released_days[tracks] = -day
    strength = power(artist + 10.0, -0.7)
    fresh = np.empty((days + 2, FRESH_DRAWS), dtype=np.int32)
    for local in range(days + 2):
        age = local - 1 - day
        weight = np.where(age >= 0, strength * exp(-age / FADE_DAYS), 0.0)
        weight = weight if weight.sum() > 0 else np.where(day == day.min(), strength, 0.0)
        fresh[local] = rng.choice(tracks, FRESH_DRAWS, p=weight / weight.sum())
    return tracks[day >= 0], fresh


def _tracks_per_artist(settings: CatalogueSettings, rng: Generator) -> NDArray[np.int32]:
    """Draw catalogue sizes, log-normal around the mean; at least one track each."""
    log_sd = settings.tracks_log_sd
    size = exp(log_sd * normal(rng, settings.n_artists) - log_sd**2 / 2) * settings.tracks_per_artist_mean
    return np.maximum(np.rint(size), 1).astype(np.int32)


def _lengths(settings: CatalogueSettings, rng: Generator, artist_of: NDArray[np.int32]) -> NDArray[np.int32]:
    n = len(artist_of)
    of_artist = settings.artist_log_sd * normal(rng, settings.n_artists).astype(np.float64)
    seconds = settings.length_median_s * exp(of_artist[artist_of] + settings.length_log_sd * normal(rng, n))
    short = uniform(rng, n) < settings.short_share
    seconds = np.where(short, 30.5 + 14.5 * uniform(rng, n), seconds)
    return (np.clip(seconds, settings.length_floor_s, settings.length_cap_s) * 1000).astype(np.int32)


def tracks_table(catalogue: Catalogue, ids: Ids, starts_on: date, seed: int) -> pa.Table:
    """Build the static table `tracks`, in the order of the ids (which says nothing)."""
    rng = stream(seed, Purpose.CATALOGUE, 1)
    n = len(catalogue.artist_of)
    artist = catalogue.artist_of
    names = _pairs(rng, len(catalogue.n_tracks))
    titles = _pairs(rng, n)
    label_of = np.minimum(rng.zipf(1.6, len(catalogue.n_tracks)), 400)
    genre_of = rng.integers(0, len(GENRES), len(catalogue.n_tracks))
    released = np.datetime64(starts_on, "D") - catalogue.released_days.astype("timedelta64[D]")
    table = pa.table(
        {
            "track_id": ids.texts(Kind.TRACK, np.arange(n)),
            "title": titles,
            "artist_id": ids.texts(Kind.ARTIST, artist),
            "artist": names.take(pa.array(artist)),
            "label_id": ids.texts(Kind.LABEL, label_of[artist]),
            "genre": pa.array(GENRES).take(pa.array(genre_of[artist])),
            "duration_ms": catalogue.duration_ms,
            "released_on": pa.array(released, pa.date32()),
            "artist_popularity": catalogue.artist_popularity[artist],
            "track_popularity": catalogue.track_popularity,
            "total_track_popularity": catalogue.artist_popularity[artist] * catalogue.track_popularity,
        }
    )
    return table.sort_by("track_id")


def _pairs(rng: Generator, n: int) -> pa.StringArray:
    """Make names of two words."""
    first = pa.array([word.capitalize() for word in _WORDS]).take(pa.array(rng.integers(0, len(_WORDS), n)))
    second = pa.array(_WORDS).take(pa.array(rng.integers(0, len(_WORDS), n)))
    return pc.binary_join_element_wise(first, second, " ")
