"""The hybrid: flagged by the rules or by the forest; what both flag comes first in the queue."""

import numpy as np

from runtime.arrays import Floats

FLAG = 0.5
"""The score from which every detector of this package flags."""
BOTH = 0.75
"""Scores from here on are of days that both flag, or that the trees flag, and of no others."""


def hybrid_score(rules: Floats, forest: Floats) -> Floats:
    """Combine the scores of the two; 0.5 and over is a flag of either, 0.75 and over of both.

    >>> hybrid_score(np.array([0.2, 0.9, 0.2, 0.6]), np.array([0.3, 0.2, 0.5, 0.5])).round(3).tolist()
    [0.25, 0.7, 0.5, 0.775]
    """
    by_rules, by_forest = rules >= FLAG, forest >= FLAG
    quarter = BOTH - FLAG
    excess = np.maximum(rules, forest) - FLAG  # up to a half
    one = FLAG + excess * quarter / FLAG * (1 - 1e-9)
    both = BOTH + (np.maximum(rules - FLAG, 0) + np.maximum(forest - FLAG, 0)) * quarter
    neither = (rules + forest) / 2
    return np.select([by_rules & by_forest, by_rules | by_forest], [both, one], neither)


def with_trees(hybrid: Floats, trees: Floats) -> Floats:
    """Raise the score of days that the trees flag to at least BOTH; other days keep their score.

    >>> with_trees(np.array([0.2, 0.9, 0.6]), np.array([0.5, 0.6, np.nan])).tolist()
    [0.75, 0.9, 0.6]
    """
    by_trees = trees >= FLAG  # false where unknown
    return np.where(by_trees, np.fmax(hybrid, BOTH + (trees - FLAG) * (1 - BOTH) / (1 - FLAG)), hybrid)
