"""Features of how much is heard and how: volume, completion, skips, actions by hand.

In these modules every public function is one feature of the same name: from a SessionBatch to an array of shape (n,),
NaN where the feature cannot be measured. Its unit and meaning are in `contracts/features.py`.
"""

import numpy as np

from contracts.events import ACTIONS, INTERACTIONS, STREAM_MS
from runtime.arrays import Bools, Floats
from runtime.units import HOUR_MS
from spark_app.stages.arrays.segments import ratio
from spark_app.stages.sessions.session_batch import SessionBatch
from spark_app.stages.sessions.session_rows import IS_AUTOADVANCE, IS_SKIP

SKIP_BEFORE = 0.9
"""A track left by hand after this share of it counts as heard, not as skipped."""


def _share(b: SessionBatch, mask: Bools) -> Floats:
    """Return the share of plays in `mask`, per session."""
    return ratio(b.count(mask & b.is_play), b.plays)


def _is_action(b: SessionBatch, *names: str) -> Bools:
    return np.isin(b.action, [ACTIONS.index(name) for name in names])


def plays(b: SessionBatch) -> Floats:
    return b.plays


def streams(b: SessionBatch) -> Floats:
    return b.count(b.is_play & (b.listen_ms >= STREAM_MS))


def hours(b: SessionBatch) -> Floats:
    return b.total(b.listen_ms, b.is_play) / HOUR_MS


def span_h(b: SessionBatch) -> Floats:
    return (b.ended_ms - b.started_ms) / HOUR_MS


def share_30_35(b: SessionBatch) -> Floats:
    return _share(b, (b.listen_ms >= STREAM_MS) & (b.listen_ms < 35_000))


def share_under_35(b: SessionBatch) -> Floats:
    return _share(b, b.listen_ms < 35_000)


def early_skip_5(b: SessionBatch) -> Floats:
    return _share(b, b.listen_ms < 5_000)


def _completion(b: SessionBatch) -> tuple[Floats, Bools]:
    """Return the share of each track that was heard, at most 1, and which rows know it."""
    known = b.is_play & (b.duration_ms > 0)
    return np.minimum(b.listen_ms / np.maximum(b.duration_ms, 1), 1.0), known


def skip_rate(b: SessionBatch) -> Floats:
    share, known = _completion(b)
    heard = known & (share >= SKIP_BEFORE)
    return _share(b, ((b.code & IS_SKIP) > 0) & ~heard)


def completion_mean(b: SessionBatch) -> Floats:
    share, known = _completion(b)
    return ratio(b.total(share, known), b.count(known))


def _spread(b: SessionBatch, values: Floats, mask: Bools) -> tuple[Floats, Floats]:
    """Return mean and standard deviation per session; the deviation is NaN under two rows."""
    n = b.count(mask)
    mean = ratio(b.total(values, mask), n)
    squares = b.total((values - np.nan_to_num(mean)[b.session]) ** 2, mask)
    return mean, np.sqrt(np.where(n > 1, ratio(squares, n), np.nan))


def completion_sd(b: SessionBatch) -> Floats:
    return _spread(b, *_completion(b))[1]


def listen_cv(b: SessionBatch) -> Floats:
    mean, sd = _spread(b, b.listen_ms.astype(np.float64), b.is_play)
    return ratio(sd, np.nan_to_num(mean))


def interaction_rate(b: SessionBatch) -> Floats:
    return ratio(b.count(_is_action(b, *INTERACTIONS)), hours(b))


def actions_per_play(b: SessionBatch) -> Floats:
    return ratio(b.count(~b.is_play), b.plays)


def autoadvance_share(b: SessionBatch) -> Floats:
    return _share(b, (b.code & IS_AUTOADVANCE) > 0)
