"""How good flags are: the numbers that training and evaluation both report.

Rows (sessions or user-days) come as a frame with user_id, label (1, 0, NaN = mixed), family, cohort, score, is_flagged.
Labels from verdicts have a column `weight` too, and then shares, prevalence and average precision are weighted by it.
Mixed rows have their own line and are counted nowhere else. Accuracy is not reported: at natural prevalence "all
honest" has 97 %.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.metrics.intervals import Share, share_by_account

WEIGHT = "weight"
"""Column of labels from verdicts (models.labels.verdicts); labels from truth have none."""
MIN_ROWS = 30
"""A share of fewer rows is reported as "too few" (docs/reference/published-numbers.md)."""

REGULAR = "regular"
"""The cohort of honest accounts that are no hard negative."""


@dataclass(frozen=True, slots=True)
class FlagReport:
    """Flags compared with labels. The intervals of the shares are by account."""

    sessions: int
    """Rows in all: sessions, or user-days."""
    mixed: int
    mixed_flagged: int
    positives: int
    prevalence: float
    """Positive share of the labelled rows, as the data has it."""
    flagged: int
    """Of the labelled rows."""
    average_precision: float | None
    precision: Share
    recall: Share
    recall_by_family: dict[str, Share]
    flagged_by_family: dict[str, int]
    false_alarms_by_cohort: dict[str, Share]

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON; each share has `too_few`, whether it is of fewer than MIN_ROWS rows."""
        # not asdict: it would turn the shares into dicts without `too_few`
        return {name: _to_json(getattr(self, name)) for name in self.__dataclass_fields__}


def _to_json(value: Any) -> Any:
    if isinstance(value, Share):
        return value.as_dict() | {"too_few": value.n < MIN_ROWS}
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    return value


def measure_flags(rows: pd.DataFrame, rng: np.random.Generator, families: tuple[str, ...] = ()) -> FlagReport:
    """Compare flags with labels. `families` are listed even where none of their rows is positive.

    `rng` draws the resamples of the intervals.
    """
    is_mixed = rows["label"].isna()
    known = rows[~is_mixed]
    is_positive = known["label"] == 1
    positives, negatives = known[is_positive], known[~is_positive]
    flags = known[known["is_flagged"]]

    def share(part: pd.DataFrame, is_hit: pd.Series) -> Share:
        return share_by_account(part["user_id"], is_hit, rng, weight=part.get(WEIGHT))

    names = sorted({*families, *positives["family"]} - {HONEST})
    by_family = {name: positives[positives["family"] == name] for name in names}
    # a bot's account has no cohort: its honest rows are counted with the regular ones
    by_cohort = dict(iter(negatives.groupby(negatives["cohort"].fillna(REGULAR))))
    return FlagReport(
        sessions=len(rows),
        mixed=int(is_mixed.sum()),
        mixed_flagged=int(rows.loc[is_mixed, "is_flagged"].sum()),
        positives=len(positives),
        prevalence=float(np.average(is_positive, weights=known.get(WEIGHT))) if len(known) else 0.0,
        flagged=len(flags),
        average_precision=average_precision(known["label"], known["score"], known.get(WEIGHT)),
        precision=share(flags, flags["label"] == 1),
        recall=share(positives, positives["is_flagged"]),
        recall_by_family={name: share(part, part["is_flagged"]) for name, part in by_family.items()},
        flagged_by_family={name: int(part["is_flagged"].sum()) for name, part in by_family.items()},
        false_alarms_by_cohort={str(name): share(part, part["is_flagged"]) for name, part in by_cohort.items()},
    )


def average_precision(label: pd.Series, score: pd.Series, weight: pd.Series | None = None) -> float | None:
    """Return the area under the curve of precision over recall; None where there is only one kind of label."""
    # scikit-learn takes 75 MB and over a second; the analyst's pages need other names of this module
    from sklearn.metrics import average_precision_score  # noqa: PLC0415

    return float(average_precision_score(label, score, sample_weight=weight)) if label.nunique() == 2 else None


def format_share(share: Share) -> str:
    """Format a share with its interval, or say that it is of too few rows.

    >>> format_share(Share(0.5, 0.1, 0.9, 4))
    'too few (n = 4)'
    """
    return f"{share}, n = {share.n:,}" if share.n >= MIN_ROWS else f"too few (n = {share.n})"
