"""What came of one way to run a family: what it delivered, and who noticed it when."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.metrics.intervals import wilson

WEEK, MONTH = 7, 28
"""Days from an account's first paid stream within which a flag counts."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a campaign. Shares are of its accounts."""

    accounts: int
    streams_per_account_day: float
    """Paid target streams delivered."""
    flagged_7: float
    flagged_28: float
    """Share with a flag of any detector within 7 and 28 days from the first paid stream."""
    by_detector: dict[str, float]
    """The same within 28 days, by each detector alone."""
    days_before_flag: float
    """Mean days from the first paid stream to the first flag; 28 for accounts that are not flagged."""
    streams_before_flag: float
    """Mean paid streams per account until the first flag, its day included, in 28 days."""
    flagged_days: float
    """Share of account-days with a flag."""

    @property
    def cost(self) -> tuple[float, float, float, float]:
        """What the adversary makes small: accounts lost in a month, in a week; early flags; flagged days."""
        return self.flagged_28, self.flagged_7, -self.days_before_flag, self.flagged_days

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, with the 95 % interval (Wilson) of `flagged_28`."""
        low, high = wilson(self.flagged_28 * self.accounts, self.accounts)
        return asdict(self) | {"flagged_28_low": low, "flagged_28_high": high}


def measure(
    accounts: Sequence[str], paid: pd.DataFrame, flags: pd.DataFrame, detectors: Sequence[str], days: int
) -> Outcome:
    """Measure a campaign of `days` days.

    `paid`: user_id and day (a number) of every paid stream; `flags`: user_id, day and detector. A flag counts from the
    account's first paid stream on. An account without a paid stream is never lost and earns nothing.
    """
    index = pd.Index(accounts)
    first_paid = paid.groupby("user_id")["day"].min().reindex(index).to_numpy(dtype=np.float64)
    after = flags.assign(since=flags["day"].to_numpy() - first_paid[index.get_indexer(pd.Index(flags["user_id"]))])
    # a local date may lie a day before the UTC date of the stream
    after = after[(after["since"] >= -1) & (after["since"] < MONTH)]
    since = after.groupby("user_id")["since"].min().reindex(index).clip(lower=0).to_numpy(dtype=np.float64)
    until = np.where(np.isnan(since), MONTH, since)
    of_account = index.get_indexer(pd.Index(paid["user_id"]))
    is_before = paid["day"].to_numpy() - first_paid[of_account] <= until[of_account]
    by_detector = {
        name: float(after.loc[after["detector"] == name, "user_id"].nunique()) / len(index) for name in detectors
    }
    return Outcome(
        accounts=len(index),
        streams_per_account_day=len(paid) / (len(index) * days),
        flagged_7=float((since < WEEK).mean()),
        flagged_28=float((since < MONTH).mean()),
        by_detector=by_detector,
        days_before_flag=float(until.mean()),
        streams_before_flag=float(is_before.sum()) / len(index),
        flagged_days=len(after[["user_id", "day"]].drop_duplicates()) / (len(index) * days),
    )


def pooled(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of several campaigns together."""
    weights = np.array([outcome.accounts for outcome in outcomes], dtype=np.float64)

    def mean(values: Sequence[float]) -> float:
        return float(np.average(values, weights=weights))

    return Outcome(
        accounts=int(weights.sum()),
        by_detector={
            name: mean([outcome.by_detector[name] for outcome in outcomes]) for name in outcomes[0].by_detector
        },
        **{
            name: mean([getattr(outcome, name) for outcome in outcomes])
            for name in (
                "streams_per_account_day", "flagged_7", "flagged_28", "days_before_flag", "streams_before_flag",
                "flagged_days",
            )
        },
    )  # fmt: skip
