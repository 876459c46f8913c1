"""Features of when the plays of a session begin and end. Form: see `listening`."""

import numpy as np

from runtime.arrays import Floats
from spark_app.stages.arrays.segments import ratio, runs, sum_by
from spark_app.stages.sessions.session_batch import SessionBatch

MIN_GAPS = 4
"""Start-to-start gaps below which their distribution means nothing."""
MIN_GAP_PAIRS = 8
"""Pairs of consecutive gaps below which their correlation means nothing."""
BINS_PER_OCTAVE = 2
"""Width of the log bins of gap_entropy."""


def _union_ms(b: SessionBatch) -> Floats:
    """Return the time with at least one play running, per session, in ms."""
    p = b.by_start
    if len(p.session) == 0:
        return np.zeros(b.n)
    before = np.concatenate([[np.iinfo(np.int64).min], p.heard_until_ms[:-1]])
    first = np.concatenate([[True], p.session[1:] != p.session[:-1]])
    begins = np.where(first, p.start_ms, np.maximum(p.start_ms, before))
    return sum_by(p.session, b.n, np.maximum(p.end_ms - begins, 0))


def duty(b: SessionBatch) -> Floats:
    return ratio(_union_ms(b), (b.ended_ms - b.started_ms).astype(np.float64))


def overlap_s(b: SessionBatch) -> Floats:
    return np.maximum(b.total(b.listen_ms, b.is_play) - _union_ms(b), 0) / 1000.0


def _n_gaps(b: SessionBatch) -> Floats:
    return sum_by(b.by_start.gap_session, b.n)


def gap_entropy(b: SessionBatch) -> Floats:
    gaps = b.by_start
    bins = np.floor(np.log2(np.maximum(gaps.gap_s, 0.5)) * BINS_PER_OCTAVE).astype(np.int64)
    session, _, counts = runs(gaps.gap_session, bins)
    n = _n_gaps(b)
    p = counts / n[session]
    entropy = sum_by(session, b.n, -p * np.log2(p))
    return np.where(n >= MIN_GAPS, entropy, np.nan)


def modal_gap_share(b: SessionBatch) -> Floats:
    gaps = b.by_start
    session, _, counts = runs(gaps.gap_session, np.rint(gaps.gap_s).astype(np.int64))
    top = np.zeros(b.n)
    np.maximum.at(top, session, counts)
    n = _n_gaps(b)
    return np.where(n >= MIN_GAPS, ratio(top, n), np.nan)


def gap_burstiness(b: SessionBatch) -> Floats:
    gaps, n = b.by_start, _n_gaps(b)
    mean = ratio(sum_by(gaps.gap_session, b.n, gaps.gap_s), n)
    squares = (gaps.gap_s - np.nan_to_num(mean)[gaps.gap_session]) ** 2
    sd = np.sqrt(ratio(sum_by(gaps.gap_session, b.n, squares), n))
    return np.where(n >= MIN_GAPS, ratio(sd - mean, np.nan_to_num(sd + mean)), np.nan)


def gap_memory(b: SessionBatch) -> Floats:
    gaps = b.by_start
    same = gaps.gap_session[1:] == gaps.gap_session[:-1]
    session = gaps.gap_session[1:][same]
    logs = np.log(np.maximum(gaps.gap_s, 0.001))
    x, y = logs[:-1][same], logs[1:][same]

    def total(values: Floats) -> Floats:
        return sum_by(session, b.n, values)

    n = sum_by(session, b.n)
    mean_x, mean_y = (np.nan_to_num(ratio(total(v), n))[session] for v in (x, y))
    covariance = total((x - mean_x) * (y - mean_y))
    variances = np.sqrt(total((x - mean_x) ** 2) * total((y - mean_y) ** 2))
    # equal gaps have no correlation; rounding would give them one
    variances[variances < 1e-9] = 0.0
    return np.where(n >= MIN_GAP_PAIRS, ratio(covariance, variances), np.nan)


def pause_mean_s(b: SessionBatch) -> Floats:
    gaps = b.by_start
    total = sum_by(gaps.gap_session, b.n, gaps.silence_ms / 1000.0)
    return ratio(total, _n_gaps(b))
