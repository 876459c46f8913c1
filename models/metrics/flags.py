"""How good flags are: the numbers that training and evaluation report alike.

Sessions come as a frame with user_id, label (1, 0, NaN = mixed), family, cohort, score, is_flagged, and where labels
are verdicts `weight`: shares, prevalence and average precision are weighted by it. Mixed sessions count nowhere but on
their own line. Never accuracy: at natural prevalence "all honest" scores 97 %.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from contracts.labels import HONEST
from models.metrics.intervals import Share, share_by_account

WEIGHT = "weight"
"""Column of labels from verdicts (models.labels.verdicts); labels from truth have none."""
TOO_FEW = 30
"""A share of fewer rows than this prints "too few" (docs/reference/published-numbers.md)."""

REGULAR = "regular"
"""The cohort of honest accounts that play no hard negative."""


@dataclass(frozen=True, slots=True)
class Report:
    """Flags against labels. Shares have intervals by account."""

    sessions: int
    mixed: int
    mixed_flagged: int
    positives: int
    prevalence: float
    """Positive share of the labelled sessions: as the data has it, never rebalanced."""
    flagged: int
    """Among labelled sessions."""
    average_precision: float | None
    precision: Share
    recall: Share
    recall_by_family: dict[str, Share]
    flagged_by_family: dict[str, int]
    false_alarms_by_cohort: dict[str, Share]

    def as_dict(self) -> dict[str, Any]:
        return {
            name: _plain(getattr(self, name))
            for name in self.__dataclass_fields__  # not asdict: it would copy without the "too few" mark
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Share):
        return value.as_dict() | {"too_few": value.n < TOO_FEW}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def report(sessions: pd.DataFrame, rng: np.random.Generator, families: tuple[str, ...] = ()) -> Report:
    """Compare flags with labels. `families` are listed even where no session of theirs is positive."""
    is_mixed = sessions["label"].isna()
    known = sessions[~is_mixed]
    is_positive = known["label"] == 1
    positives, negatives = known[is_positive], known[~is_positive]
    flags = known[known["is_flagged"]]

    def share(rows: pd.DataFrame, is_hit: pd.Series) -> Share:
        return share_by_account(rows["user_id"], is_hit, rng, weight=rows.get(WEIGHT))

    names = sorted({*families, *positives["family"]} - {HONEST})
    by_family = {name: positives[positives["family"] == name] for name in names}
    # no cohort is given to accounts that a bot runs on: their honest sessions stand with the regular ones
    by_cohort = dict(iter(negatives.groupby(negatives["cohort"].fillna(REGULAR))))
    return Report(
        sessions=len(sessions),
        mixed=int(is_mixed.sum()),
        mixed_flagged=int(sessions.loc[is_mixed, "is_flagged"].sum()),
        positives=len(positives),
        prevalence=float(np.average(is_positive, weights=known.get(WEIGHT))) if len(known) else 0.0,
        flagged=len(flags),
        average_precision=average_precision(known["label"], known["score"], known.get(WEIGHT)),
        precision=share(flags, flags["label"] == 1),
        recall=share(positives, positives["is_flagged"]),
        recall_by_family={name: share(rows, rows["is_flagged"]) for name, rows in by_family.items()},
        flagged_by_family={name: int(rows["is_flagged"].sum()) for name, rows in by_family.items()},
        false_alarms_by_cohort={str(name): share(rows, rows["is_flagged"]) for name, rows in by_cohort.items()},
    )


def average_precision(label: pd.Series, score: pd.Series, weight: pd.Series | None = None) -> float | None:
    """Return the area under precision over recall, or None where there is only one kind of label."""
    return float(average_precision_score(label, score, sample_weight=weight)) if label.nunique() == 2 else None


def share_text(share: Share) -> str:
    """Say a share, or that there are too few rows for one.

    >>> share_text(Share(0.5, 0.1, 0.9, 4))
    'too few (n = 4)'
    """
    return f"{share}, n = {share.n:,}" if share.n >= TOO_FEW else f"too few (n = {share.n})"
