"""Isolation Forest over user-days (Liu, Ting and Zhou 2008): a day is suspicious where few cuts isolate it.

It reads each feature twice, as it is and as a deviation from the account's own history. So a day can be isolated
because nobody listens like that, or because this account never does. It is fitted once a week, on days before those it
scores, without labels; the bots among those days are few.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

from models.user_days.by_rules import baseline_or_cohort, feature_matrix
from models.user_days.history import MIN_ACTIVE_DAYS, WINDOW_DAYS, Kind
from runtime.arrays import Bools, Floats, Ints
from runtime.local_time import day_numbers

FLAG_SHARE = 0.002
"""Share of the days it is fitted on that would be flagged: a choice. Odd people pay for most of it: at 0.01 those who
sleep to music have 6 of 100 days flagged and users of a VPN 4, at 0.002 no kind of listener has one of 100
(docs/guides/audit.md)."""
N_TREES = 100
FIT_ROWS = 20_000
"""Most rows a forest is fitted on; each tree sees 256 of them."""
REFIT_DAYS = 7
Z_CAP = 8.0
"""Deviations are cut at this many sd: beyond, a tree would spend its cuts on the tail."""
MIN_SPREAD = 0.1
"""A tenth of what is usual, or of the unit, is the least spread a deviation is measured in."""


@dataclass(frozen=True, slots=True)
class ForestInput:
    """User-days as the forest reads them: arrays (rows, features); `matrix` has twice as many columns."""

    matrix: Floats
    values: Floats
    usual: Floats
    """Median of the baseline: the account's own history, or its cohort's."""
    deviation: Floats
    """Robust z of values against it."""
    is_own: Bools
    """Whether the baseline of a row is the account's own history."""

    def without_cohorts(self) -> Floats:
        """Return the matrix without deviations from a cohort: they say who listens, not that something has changed."""
        matrix = self.matrix.copy()
        matrix[~self.is_own, self.values.shape[1] :] = np.nan
        return matrix


@dataclass(frozen=True, slots=True)
class FittedForest:
    """A fitted forest: what replaces a missing value, the scale of each column, and the score that flags."""

    model: IsolationForest
    fill: Floats
    threshold: float

    def score(self, matrix: Floats) -> Floats:
        """Return scores in [0, 1]; 0.5 is the threshold."""
        raw = -self.model.score_samples(_filled(matrix, self.fill))
        above = 0.5 + 0.5 * (raw - self.threshold) / max(1 - self.threshold, 1e-9)
        return np.clip(np.where(raw >= self.threshold, above, 0.5 * raw / self.threshold), 0.0, 1.0)


def forest_input(days: pd.DataFrame, features: tuple[str, ...], kind: Kind = "rolling") -> ForestInput:
    """Prepare user-days in order. Levels go in as signed logs: volumes span four powers of ten."""
    values = feature_matrix(days, features)
    known, history_days = baseline_or_cohort(days, values, kind)
    min_spread = np.maximum(MIN_SPREAD * np.abs(known.median), MIN_SPREAD)
    deviation = np.clip(known.z(values, min_spread), -Z_CAP, Z_CAP)
    matrix = np.hstack([np.sign(values) * np.log1p(np.abs(values)), deviation])
    return ForestInput(matrix, values, known.median, deviation, is_own=history_days >= MIN_ACTIVE_DAYS)


def fit(matrix: Floats, rng: np.random.Generator, flag_share: float = FLAG_SHARE) -> FittedForest:
    """Fit on days that came before (rows, columns)."""
    rows = rng.permutation(len(matrix))[:FIT_ROWS]
    inputs = matrix[rows]
    known = ~np.isnan(inputs)
    fill = np.where(known.any(axis=0), np.nanmedian(np.where(known.any(axis=0), inputs, 0.0), axis=0), 0.0)
    model = IsolationForest(n_estimators=N_TREES, random_state=int(rng.integers(2**31)))
    model.fit(_filled(inputs, fill))
    raw = -model.score_samples(_filled(inputs, fill))
    return FittedForest(model, fill, float(np.quantile(raw, 1 - flag_share)))


def _filled(matrix: Floats, fill: Floats) -> Floats:
    return np.where(np.isnan(matrix), fill, matrix)


def refit_blocks(day: Ints, refit_days: int | None = REFIT_DAYS, window: int = WINDOW_DAYS) -> list[tuple[Ints, Ints]]:
    """Return (rows to fit on, rows to score) for each stretch of days; with `refit_days` None all but one forest fall
    away: it is fitted on the first `window` days and scores everything.

    The first stretch has nothing before it, so its forest is fitted on the days it scores: without labels that gives
    no answer away, but its share of flags is then fixed in advance.
    """
    if not len(day):
        return []
    first, last = int(day.min()), int(day.max())
    if refit_days is None:
        return [(np.flatnonzero(day < first + window), np.arange(len(day)))]
    blocks = []
    for begin in range(first, last + 1, refit_days):
        scored = np.flatnonzero((day >= begin) & (day < begin + refit_days))
        before = np.flatnonzero((day >= begin - window) & (day < begin))
        if len(scored):
            blocks.append((before if len(before) else scored, scored))
    return blocks


def forest_scores(
    days: pd.DataFrame, inputs: ForestInput, rng: np.random.Generator, refit_days: int | None = REFIT_DAYS
) -> Floats:
    """Score user-days in order, each by a forest fitted on days before it (but see `refit_blocks`)."""
    scores = np.zeros(len(days))
    for fitted_on, scored in refit_blocks(day_numbers(days["local_date"]), refit_days):
        scores[scored] = fit(inputs.matrix[fitted_on], rng).score(inputs.matrix[scored])
    return scores
