"""Features of a user-day that the rows of the day itself show.

In these modules every public function is one feature of the same name: from a DayBatch to an array of shape (n,), NaN
where the feature cannot be measured. Its unit and meaning are in `contracts/user_day_features.py`. Features that look
back on other days are in `clock`, `own_history` and `new_places`; those that a session has too are not repeated here.
"""

import numpy as np

from contracts.events import ACTIONS, STREAM_MS
from runtime.arrays import Bools, Floats, Ints
from runtime.units import HOUR_MS, MINUTE_MS
from spark_app.stages.arrays.countries import speeds_kmh
from spark_app.stages.arrays.segments import ratio, runs, sum_by
from spark_app.stages.sessions.features import listening, timing
from spark_app.stages.sessions.features.account import NIGHT_UNTIL_H
from spark_app.stages.user_days.day_batch import DayBatch, first_of_each

RUN_GAP_MS = 20 * MINUTE_MS
"""Silence that ends a run of plays."""
WAKE_GAP_MS = 2 * HOUR_MS
"""A pause that is long enough to be rest."""
MIN_LABEL_PLAYS = 20
"""Plays of a label below which evenness over its tracks means nothing."""


# ---- volume


def plays_day(b: DayBatch) -> Floats:
    return b.plays


def streams_day(b: DayBatch) -> Floats:
    return b.count(b.is_play & (b.listen_ms >= STREAM_MS))


def sessions_day(b: DayBatch) -> Floats:
    return b.count(b.starts_a_session | first_of_each(b.day))


def _largest(b: DayBatch, day: Ints, values: Floats) -> Floats:
    """Return the largest value per user-day; NaN where there is none."""
    out = np.full(b.n, np.nan)
    np.fmax.at(out, day, values)
    return out


def _longest_stretch_h(b: DayBatch, rows: Bools, gap_ms: int) -> Floats:
    """Return the longest stretch of rows with less than `gap_ms` of silence that ends in each day, in hours.

    It may begin before midnight, on earlier days of the account. Rows count in the order of their ends: one that ends
    after a day, however early it began, says nothing about that day. One that began before a silence that has ended its
    stretch lengthens what follows that silence, and joins nothing before it.
    """
    chosen = np.flatnonzero(rows)
    if len(chosen) == 0:
        return np.full(b.n, np.nan)
    begin = b.event_ms - b.listen_ms
    order = chosen[np.lexsort((begin[chosen], b.event_ms[chosen], b.user[chosen]))]
    user, begin, end = b.user[order], begin[order], b.event_ms[order]
    is_first = first_of_each(user)
    is_first[1:] |= begin[1:] - end[:-1] >= gap_ms
    stretch = np.cumsum(is_first) - 1
    first_end = end[is_first][stretch]
    # how long before its first end a stretch began, by then: one running maximum serves all stretches, as each is
    # raised above all before it
    raised = stretch * (int(b.listen_ms.max()) + 1)
    before = np.maximum.accumulate(np.maximum(first_end - begin, 0) + raised) - raised
    return _largest(b, b.day[order], (end - first_end + before) / HOUR_MS)


def longest_run_h(b: DayBatch) -> Floats:
    return _longest_stretch_h(b, b.is_play, RUN_GAP_MS)


def longest_wake_h(b: DayBatch) -> Floats:
    return _longest_stretch_h(b, np.ones(len(b.day), dtype=bool), WAKE_GAP_MS)


def duty_24h(b: DayBatch) -> Floats:
    union_h = listening.hours(b.as_sessions) - timing.overlap_s(b.as_sessions) / 3600
    return np.minimum(union_h / 24, 1.0)


# ---- policy and timing


def plays_night(b: DayBatch) -> Floats:
    return np.where(b.has_zone, b.count(b.is_play & (b.hour < NIGHT_UNTIL_H)), np.nan)


def night_share(b: DayBatch) -> Floats:
    return ratio(plays_night(b), b.plays)


# ---- repetition


def catalogue_flatness(b: DayBatch) -> Floats:
    known = b.is_play & (b.label != 0)
    day, label, plays = runs(b.day[known], b.label[known])
    # the label played most, the smallest hash in a tie
    top = np.lexsort((label, -plays, day))
    top = top[first_of_each(day[top])] if len(top) else top
    label_of, plays_of = np.zeros(b.n, dtype=np.int64), np.zeros(b.n)
    label_of[day[top]], plays_of[day[top]] = label[top], plays[top]
    of_label = known & (b.label == label_of[b.day])
    size = np.ones(b.n)
    size[b.day[of_label]] = b.label_size[of_label]
    day, _, plays = runs(b.day[of_label], b.track[of_label])
    p = plays / plays_of[day]
    entropy = sum_by(day, b.n, -p * np.log2(p))
    max_entropy = np.log2(np.maximum(np.minimum(size, plays_of), 1))
    return np.where(plays_of >= MIN_LABEL_PLAYS, ratio(entropy, max_entropy), np.nan)


def context_hhi(b: DayBatch) -> Floats:
    known = b.is_play & (b.context != 0)
    day, _, plays = runs(b.day[known], b.context[known])
    total = sum_by(day, b.n, (plays / b.count(known)[day]) ** 2)
    return np.where(total > 0, total, np.nan)


# ---- place


def max_speed_kmh(b: DayBatch) -> Floats:
    # over midnight, which the rows of one day alone would not show
    rows, speeds = speeds_kmh(b.user, b.event_ms, b.country)
    maximum = np.where(b.count(b.country >= 0) > 0, 0.0, np.nan)
    np.fmax.at(maximum, b.day[rows], speeds)
    return maximum


# ---- content (the names of arXiv 2203.02124)


def failed_start_cnt(b: DayBatch) -> Floats:
    return b.count(b.action == ACTIONS.index("failed_start"))


def dist_dev_id_cnt(b: DayBatch) -> Floats:
    return b.distinct(b.device, b.device != 0)


def dist_cdm_cnt(b: DayBatch) -> Floats:
    return b.distinct(b.cdm, b.cdm != 0)


def dist_title_cnt(b: DayBatch) -> Floats:
    return b.distinct(b.track, b.track != 0)
