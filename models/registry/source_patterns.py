"""The thresholds of a session scorer by what a source cannot tell.

A score of a session whose source lacks fields is another number than one of a complete session: it has its own
threshold, chosen on sessions with the same fields masked, and kept in the manifest.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from runtime.arrays import Floats


@dataclass(frozen=True, slots=True)
class SourcePattern:
    """What a kind of source lacks, and the thresholds of its sessions; None where not enough is known to flag any."""

    name: str
    unknown: frozenset[str]
    """Features that such a source cannot tell."""
    review: float | None
    filter: float | None


def read_patterns(manifest: dict[str, Any]) -> tuple[SourcePattern, ...]:
    """Read the patterns of a manifest; none where the model was trained without. Raises ModelError."""
    try:
        return tuple(
            SourcePattern(entry["name"], frozenset(entry["unknown"]), entry["review"], entry["filter"])
            for entry in manifest.get("source_patterns", ())
        )
    except (KeyError, TypeError):
        raise ModelError(f"{manifest.get('name')}: source_patterns must have name, unknown, review, filter") from None


def choose_pattern(
    patterns: Iterable[SourcePattern], features: Collection[str], unmeasurable: Collection[str]
) -> SourcePattern | None:
    """Return the pattern that lacks all that a source cannot tell, and least beyond it; None where none does.

    What the pattern lacks beyond the source is left out of the score as well, so that the threshold holds.

    >>> less, more = (SourcePattern(n, frozenset(u), 0.5, 0.9) for n, u in (("a", "x"), ("b", "xyz")))
    >>> choose_pattern([more, less], "xyz", "x").name, choose_pattern([more, less], "xyz", "xy").name
    ('a', 'b')
    """
    lacking = frozenset(unmeasurable) & frozenset(features)
    fitting = [pattern for pattern in patterns if lacking <= pattern.unknown]
    return min(fitting, key=lambda pattern: (len(pattern.unknown & frozenset(features)), pattern.name), default=None)


def without_unknown(
    margin: Floats, contributed: NDArray[np.floating[Any]], features: Sequence[str], unknown: Collection[str]
) -> tuple[Floats, NDArray[np.floating[Any]]]:
    """Take what unknown features contribute out of the log-odds (n,) and out of the contributions (n, features).

    >>> margin, rest = without_unknown(np.array([3.0]), np.array([[2.0, 0.5]]), ("a", "b"), ["a"])
    >>> margin.tolist(), rest.tolist()
    ([1.0], [[0.0, 0.5]])
    """
    is_unknown = np.isin(features, list(unknown))
    return margin - contributed[:, is_unknown].sum(axis=1), np.where(is_unknown, 0.0, contributed)
