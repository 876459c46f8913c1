"""The static tracks as arrays that every worker holds: what a play's track adds to its row."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from runtime.arrays import Bools, Floats, Ints
from spark_app.stages.arrays.ids import longs, one_array, xxhash64


@dataclass(frozen=True, slots=True)
class TrackLookup:
    """Tracks sorted by the hash of their id. 32 bytes per track, so that a million of them fit in any worker."""

    track: Ints
    artist: Ints
    """Hash of the artist's id; 0 where it is unknown."""
    duration_ms: Ints
    """0 where it is unknown."""
    popularity: Floats
    """NaN where it is unknown."""

    @classmethod
    def from_table(cls, tracks: pa.Table) -> Self:
        """Read track_id, artist_id, duration_ms and total_track_popularity. Of rows with the same id, the first counts.

        >>> columns = {"track_id": ["b", "a"], "artist_id": ["x", None], "duration_ms": [9, None]}
        >>> lookup = TrackLookup.from_table(pa.table({**columns, "total_track_popularity": [0.5, None]}))
        >>> place, is_known = lookup.find(longs(xxhash64(pa.array(["b", "c"]))))
        >>> lookup.duration_ms[place][is_known].tolist(), is_known.tolist()
        ([9], [True, False])
        """
        track = longs(xxhash64(tracks["track_id"]))
        order = np.argsort(track, kind="stable")
        popularity = one_array(tracks["total_track_popularity"]).cast(pa.float64())
        return cls(
            track[order],
            longs(xxhash64(tracks["artist_id"]))[order],
            longs(one_array(tracks["duration_ms"]).cast(pa.int64()))[order],
            popularity.to_numpy(zero_copy_only=False)[order],
        )

    def find(self, track: Ints) -> tuple[Ints, Bools]:
        """Return the index of each track by its hash, and which tracks are known; the others have index 0."""
        place = np.searchsorted(self.track, track)
        place[place == len(self.track)] = 0
        is_known = self.track[place] == track if len(self.track) else np.zeros(len(track), bool)
        return place, is_known
