"""Add up one technique over folds: by family, by hard negative, by account."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from contracts.labels import FAMILIES
from models.lab.days import UserDays
from models.lab.engine import FoldScores
from models.lab.measures import RESAMPLES, Weights, average_precision, interval, resamples, share
from models.lab.protocol import Fold
from models.metrics.flags import MIN_ROWS, REGULAR
from runtime.arrays import Floats, Ints

AP, RECALL, ALARMS = "ap", "recall_at_fpr_0001", "false_alarm_rate"
MACRO = "macro"

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class ResampledDays:
    """Account-days and the resamples of their accounts that all techniques share, so that differences are paired."""

    days: UserDays
    account: Ints
    weights: Weights

    @classmethod
    def of(cls, days: UserDays, rng: np.random.Generator, draws: int = RESAMPLES) -> "ResampledDays":
        account, names = pd.factorize(days.frame["user_id"])
        family = days.frame.groupby(account)["account_family"].first().reindex(range(len(names)))
        return cls(days, account.astype(np.int64), resamples(family.to_numpy(dtype=object), rng, draws))

    def of_rows(self, rows: Ints) -> Weights:
        return self.weights[:, self.account[rows]]


@dataclass(slots=True)
class TechniqueTotals:
    """What one technique did in one view: arrays over resamples, the sample itself first."""

    ap: dict[str, list[tuple[Floats, Floats]]] = field(default_factory=dict)
    """By family, for each fold: weight of its positives, average precision (NaN where a resample has none)."""
    hits: dict[str, list[tuple[Floats, Floats]]] = field(default_factory=dict)
    """By family or line, for each fold: weight flagged, weight in all."""
    counts: dict[str, int] = field(default_factory=dict)

    def add(
        self, sample: ResampledDays, fold: Fold, outcome: FoldScores, threshold: float, families: tuple[str, ...],
        has_lines: bool = True,
    ) -> None:  # fmt: skip
        """Add a fold's test rows: the positives of `families`, all honest days, and each cohort's line."""
        days = sample.days.take(fold.test)
        honest = np.flatnonzero(days.label == 0)
        flagged = outcome.test >= threshold
        weights = sample.of_rows(fold.test)
        for family in families:
            positive = np.flatnonzero(days.family == family)
            if not len(positive):
                continue
            ap = average_precision(
                outcome.test[positive], outcome.test[honest], weights[:, positive], weights[:, honest]
            )
            self.ap.setdefault(family, []).append((weights[:, positive].sum(axis=1, dtype=np.float64), ap))
            self._hit(family, flagged[positive], weights[:, positive])
        self._hit(ALARMS, flagged[honest], weights[:, honest])
        if not has_lines:
            return
        line = days.frame["line"].to_numpy(dtype=object)
        cohort = days.frame["cohort"].fillna(REGULAR).to_numpy(dtype=object)
        name = np.where(line == "", np.where(days.label == 0, cohort, ""), line)
        for scope in np.unique(name[name != ""].astype(str)):
            rows = np.flatnonzero(name == scope)
            self._hit(f"cohort {scope}", flagged[rows], weights[:, rows])

    def _hit(self, name: str, hit: np.ndarray, weights: Weights) -> None:
        total = weights.sum(axis=1, dtype=np.float64)
        self.hits.setdefault(name, []).append((np.nan_to_num(share(hit, weights)) * total, total))
        self.counts[name] = self.counts.get(name, 0) + len(hit)

    def average_precision(self, family: str) -> Floats:
        """Return the mean over folds, weighted by their positives in each resample."""
        total = np.sum([weight for weight, _ in self.ap[family]], axis=0)
        weighted = np.sum([weight * np.nan_to_num(ap) for weight, ap in self.ap[family]], axis=0)
        return np.where(total > 0, weighted / np.maximum(total, 1e-12), np.nan)

    def rate(self, name: str) -> Floats:
        """Return the share flagged of a family, a line or (ALARMS) of all honest days."""
        flagged, total = (np.sum([part[i] for part in self.hits[name]], axis=0) for i in (0, 1))
        return np.where(total > 0, flagged / np.maximum(total, 1e-12), np.nan)

    def enough(self) -> list[str]:
        """Name the families with enough positives to enter the mean."""
        return [f for f in FAMILIES if f in self.ap and self.counts[f] >= MIN_ROWS]

    def macro(self, measure: str) -> Floats:
        """Return the mean over families of AP or RECALL, by resample; NaN where no family has enough positives."""
        values = [self.average_precision(f) if measure == AP else self.rate(f) for f in self.enough()]
        return np.nanmean(values, axis=0) if values else np.full(1, np.nan)

    def rows(self) -> list[Row]:
        """Return one row per measure and scope: scope, measure, value, low, high, n."""
        result_rows: list[Row] = []
        for measure in (AP, RECALL):
            result_rows.append(
                {"scope": MACRO, "measure": measure, **interval(self.macro(measure)), "n": len(self.enough())}
            )
        for family in self.ap:
            few = self.counts[family] < MIN_ROWS
            for measure, values in ((AP, self.average_precision(family)), (RECALL, self.rate(family))):
                estimate = {"value": None, "low": None, "high": None} if few else interval(values)
                result_rows.append({"scope": family, "measure": measure, **estimate, "n": self.counts[family]})
        result_rows.append(
            {"scope": "honest", "measure": ALARMS, **interval(self.rate(ALARMS)), "n": self.counts[ALARMS]}
        )
        for name in self.hits:
            if name.startswith("cohort "):
                scope, few = name.removeprefix("cohort "), self.counts[name] < MIN_ROWS
                estimate = {"value": None, "low": None, "high": None} if few else interval(self.rate(name))
                result_rows.append({"scope": scope, "measure": ALARMS, **estimate, "n": self.counts[name]})
        return result_rows
