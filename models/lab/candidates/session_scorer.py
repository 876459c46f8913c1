"""The session scorer, lifted to the account-day: what ships in the stream, under the lab's protocol.

Trees of the shipped recipe are trained on the sessions of the training days; a small calibrated model reads the day
from the mean and the three highest log-odds, the number of sessions and of streams. A maximum alone would punish heavy
listeners: with more sessions, one of them is odd by chance.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.lab.candidates.candidate import Candidate, Scorer
from models.lab.candidates.supervised import boosted_trees
from models.lab.days import UserDays
from models.lab.protocol import halves
from models.training.manifest import TreeSettings
from models.training.monotone import CONSTRAINTS
from runtime.arrays import Floats

SIZE = TreeSettings()
TOP = 3


def session_scorer(days: UserDays, rng: np.random.Generator) -> Scorer:
    seed = int(rng.integers(2**31))
    held_out = np.zeros((len(days), TOP + 3))
    for fitted_on, scored in halves(days, rng):  # the day's model must see scores of sessions not trained on
        rows = np.flatnonzero(scored)
        held_out[rows] = _day_inputs(days.take(rows), _margins(days.take(np.flatnonzero(fitted_on)), seed))
    mean, sd = held_out.mean(axis=0), np.maximum(held_out.std(axis=0), 1e-9)
    of_day = LogisticRegression(max_iter=2000).fit((held_out - mean) / sd, days.label)
    margins = _margins(days, seed)
    return lambda rows: of_day.predict_proba((_day_inputs(rows, margins) - mean) / sd)[:, 1]


def _margins(days: UserDays, seed: int) -> Scorer:
    """Train on sessions; return the log-odds of a table's sessions."""
    sessions = days.sessions
    assert sessions is not None
    known = ~np.isnan(sessions.label)
    model = boosted_trees(
        sessions.features[known], sessions.label[known], seed, SIZE.n_estimators, SIZE.max_depth, CONSTRAINTS
    )
    return lambda rows: (
        model.predict(rows.sessions.features, output_margin=True).astype(np.float64)
        if rows.sessions is not None and len(rows.sessions.row)
        else np.zeros(0)
    )


def _day_inputs(days: UserDays, margins: Scorer) -> Floats:
    """Return mean, top three log-odds, log sessions and log streams of each day; 0 log-odds below none."""
    sessions = days.sessions
    assert sessions is not None
    odds = margins(days)
    lowest = float(odds.min()) if len(odds) else 0.0
    count = np.bincount(sessions.row, minlength=len(days))
    mean = np.bincount(sessions.row, odds, minlength=len(days)) / np.maximum(count, 1)
    order = np.lexsort((-odds, sessions.row))
    row = sessions.row[order]
    rank = np.arange(len(row)) - (np.cumsum(count) - count)[row]
    top = np.full((len(days), TOP), lowest)
    is_top = rank < TOP
    top[row[is_top], rank[is_top]] = odds[order][is_top]
    mean = np.where(count > 0, mean, lowest)
    streams = np.bincount(sessions.row, sessions.streams, minlength=len(days))
    return np.column_stack([mean, top, np.log1p(count), np.log1p(streams)])


SESSION_SCORER = (
    Candidate("session_scorer", "supervised", "the session scorer, read off a day's sessions", session_scorer),
)
