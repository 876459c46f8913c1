"""Evaluate user-day flags where truth exists: each detector alone and all together, by family and by cohort."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.labels.truth import label_user_days
from models.metrics.flags import FlagReport, format_share, measure_flags
from models.user_days.hybrid import FLAG
from runtime.world import World

UNLABELLED = {"rules": "rules_score", "forest": "forest_score", "hybrid": "hybrid_score"}
"""Detectors that learn from no label: name -> column of their score."""
ALL = "all together"
DETECTORS = {**UNLABELLED, "trees": "trees_score", ALL: "score"}


@dataclass(frozen=True, slots=True)
class UserDayEvaluation:
    """Flags of user-days compared with truth, by detector. `labelled`: the flags with label_user_days."""

    labelled: pd.DataFrame
    reports: dict[str, FlagReport]

    def as_dict(self) -> dict[str, Any]:
        return {name: report.as_dict() for name, report in self.reports.items()}

    def lines(self) -> list[str]:
        """Format the evaluation, one line per fact."""
        whole = self.reports[ALL]
        lines = [
            f"against truth     {whole.positives:,} of {whole.sessions - whole.mixed:,} user-days are bots' "
            f"({100 * whole.prevalence:.2f} %)"
        ]
        for name, one in self.reports.items():
            precision = one.average_precision
            lines.append(
                f"{name:<18}precision {format_share(one.precision)}; recall {format_share(one.recall)}; "
                f"average precision {'none' if precision is None else f'{precision:.3f}'}"
            )
        lines += [f"recall of {name:<16}{format_share(share)}" for name, share in whole.recall_by_family.items()]
        lines += [f"false alarms, {name:<16}{format_share(s)}" for name, s in whole.false_alarms_by_cohort.items()]
        return lines


def evaluate_if_truth(flags: pd.DataFrame, world: World, rng: np.random.Generator) -> UserDayEvaluation | None:
    """Evaluate flags against the world's truth; None where the world has none."""
    return evaluate_user_days(flags, world, rng) if world.truth("users.parquet").exists() else None


def evaluate_user_days(flags: pd.DataFrame, world: World, rng: np.random.Generator) -> UserDayEvaluation:
    """Evaluate flags (`detect`) against the world's truth. Raises WorldError without truth."""
    labelled = label_user_days(flags, world)
    return UserDayEvaluation(labelled, measure_detectors(labelled, rng))


def measure_detectors(labelled: pd.DataFrame, rng: np.random.Generator) -> dict[str, FlagReport]:
    """FlagReport each detector on labelled flags."""
    reports = {}
    for name, column in DETECTORS.items():
        if labelled[column].isna().all():  # the trees did not run
            continue
        one = labelled.assign(score=labelled[column], is_flagged=labelled[column] >= FLAG)
        reports[name] = measure_flags(one, rng)
    return reports
