"""Choose the two thresholds on the calibration block, at its natural prevalence; never on the test block."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.errors import ModelError
from models.metrics.flags import WEIGHT
from models.metrics.intervals import Share, share_by_account

REVIEW_BETA = 0.5
"""The review threshold maximises F0.5, in which precision counts double: a false flag costs an analyst's time and may
cost an artist's pay."""
FILTER_PRECISION = 0.99
"""Precision of the filter. It acts without a person."""
MIN_FLAGS = 30
"""Flags behind the precision of the filter, at least."""
MAX_TRIALS = 50
"""Thresholds to try for the filter, evenly spaced: each costs a bootstrap."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A session with a score at or over `review` is flagged, at or over `filter` it is filtered."""

    review: float
    filter: float
    filter_precision: Share
    is_filter_proven: bool
    """Whether the lower end of the interval reaches FILTER_PRECISION too; 299 flags without an error do."""

    def at_least(self, lowest: float) -> "Thresholds":
        """Raise both thresholds to a score, where they are under it."""
        return replace(self, review=min(max(self.review, lowest), 1.0), filter=min(max(self.filter, lowest), 1.0))


def choose_thresholds(block: pd.DataFrame, rng: np.random.Generator) -> Thresholds:
    """Choose both thresholds on sessions with user_id, label (1 or 0), score and, where labels have one, weight.

    Raises ModelError where the block has only one kind of label.
    """
    if block["label"].nunique() < 2:
        raise ModelError("the calibration block has no positive or no negative session: simulate a larger world")
    scores, hits, size, flags = _cumulate_by_score(block)
    precision, recall = hits / size, hits / hits[-1]
    weight = REVIEW_BETA**2
    f_score = (1 + weight) * precision * recall / np.maximum(weight * precision + recall, 1e-12)
    review = int(f_score.argmax())

    # the lowest threshold whose interval reaches the target; where there is none, the lowest whose value reaches it
    candidates = [i for i in range(review + 1) if flags[i] >= MIN_FLAGS and precision[i] >= FILTER_PRECISION]
    lowest_first = candidates[::-1]
    for i in lowest_first[:: 1 + len(candidates) // MAX_TRIALS]:
        share = _precision(block, scores[i], rng)
        if share.low >= FILTER_PRECISION:
            return Thresholds(_midpoint(scores, review), _midpoint(scores, i), share, True)
    if candidates:
        i = lowest_first[0]
        return Thresholds(_midpoint(scores, review), _midpoint(scores, i), _precision(block, scores[i], rng), False)
    return Thresholds(_midpoint(scores, review), 1.0, Share(None, 0.0, 1.0, 0), False)


def _cumulate_by_score(block: pd.DataFrame) -> tuple[NDArray[np.float64], ...]:
    """Return the distinct scores, highest first; for a threshold at each, weight of hits, weight of flags, flags."""
    weight = block[WEIGHT] if WEIGHT in block else pd.Series(1.0, block.index)
    parts = pd.DataFrame({"score": block["score"], "hits": block["label"] * weight, "size": weight, "flags": 1.0})
    ranked = parts.groupby("score").sum().sort_index(ascending=False)
    return ranked.index.to_numpy(float), *(ranked[name].cumsum().to_numpy(float) for name in ("hits", "size", "flags"))


def _precision(block: pd.DataFrame, threshold: float, rng: np.random.Generator) -> Share:
    flags = block[block["score"] >= threshold]
    return share_by_account(flags["user_id"], flags["label"] == 1, rng, weight=flags.get(WEIGHT))


def _midpoint(scores: NDArray[np.float64], i: int) -> float:
    """Return the middle, in log-odds, of the i-th score and the next lower one: no session lies between them.

    >>> round(_midpoint(np.array([0.9, 0.1]), 0), 9)
    0.5
    """
    upper = scores[i]
    lower = scores[i + 1] if i + 1 < len(scores) else upper / 2
    tiny = 1e-9
    odds = [np.log(np.clip(s, tiny, 1 - tiny) / (1 - np.clip(s, tiny, 1 - tiny))) for s in (lower, upper)]
    return float(1 / (1 + np.exp(-np.mean(odds))))
