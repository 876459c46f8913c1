"""Features of what is played again and again: artists, tracks, loops, popularity. Form: see `listening`."""

import numpy as np

from runtime.arrays import Floats, Ints
from spark_app.stages.arrays.segments import ratio, runs, sum_by
from spark_app.stages.sessions.session_batch import SessionBatch


def _artist_shares(b: SessionBatch) -> tuple[Ints, Floats]:
    """Return a session index and a share of its plays for each pair of session and artist."""
    known = b.is_play & b.has_artist
    session, _, counts = runs(b.session[known], b.artist[known])
    return session, counts / b.count(known)[session]


def artist_hhi(b: SessionBatch) -> Floats:
    session, shares = _artist_shares(b)
    total = sum_by(session, b.n, shares**2)
    return np.where(total > 0, total, np.nan)


def top_artist_share(b: SessionBatch) -> Floats:
    session, shares = _artist_shares(b)
    largest = np.full(b.n, np.nan)
    np.fmax.at(largest, session, shares)
    return largest


def repeat_ratio(b: SessionBatch) -> Floats:
    return 1.0 - ratio(np.nan_to_num(b.distinct(b.track, b.is_play)), b.plays)


def loop_share(b: SessionBatch) -> Floats:
    return ratio(b.loops[1], b.plays)


def loop_lag(b: SessionBatch) -> Floats:
    return b.loops[0]


def popularity_mean(b: SessionBatch) -> Floats:
    known = b.is_play & (b.popularity > 0)
    logs = np.log10(np.where(known, b.popularity, 1.0))
    return ratio(b.total(logs, known), b.count(known))
