"""What cannot be measured speaks neither for nor against: the score of a source that lacks fields.

Trees must send a missing value to one of two sides, so it counts as evidence. Here what the features of the missing
fields add to the log-odds is taken out again, and the session is held against the threshold of its pattern.
"""

from collections.abc import Collection
from dataclasses import replace

from models.registry.source_patterns import choose_pattern
from spark_app.stages.scoring.score import SessionScorer

NEVER = 2.0
"""A threshold that no probability reaches."""


def scorer_of_source(scorer: SessionScorer, unmeasurable: Collection[str]) -> SessionScorer:
    """Return the scorer for a source that cannot tell some features: they are left out, the thresholds its pattern's.

    A model trained without patterns keeps its thresholds. Where its pattern has none, or no pattern fits, too little is
    known to flag any session.
    """
    lacking = tuple(name for name in scorer.features if name in set(unmeasurable))
    if not lacking:
        return scorer
    if not scorer.patterns:
        return replace(scorer, unknown=lacking)
    pattern = choose_pattern(scorer.patterns, scorer.features, lacking)
    if pattern is None or pattern.review is None:
        return replace(scorer, unknown=lacking, review_threshold=NEVER, filter_threshold=NEVER)
    unknown = tuple(name for name in scorer.features if name in pattern.unknown)
    return replace(
        scorer,
        unknown=unknown,
        review_threshold=pattern.review,
        filter_threshold=NEVER if pattern.filter is None else pattern.filter,
    )
