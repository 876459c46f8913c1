"""How good the user-day flags are where truth exists: each detector alone and together, by family and by cohort."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.labels.truth import label_user_days
from models.metrics.flags import FlagReport, format_share, measure_flags
from models.user_days.hybrid import FLAG
from runtime.world import World

UNLABELLED = {"rules": "rules_score", "forest": "forest_score", "hybrid": "hybrid_score"}
"""Detectors that learn from no label, and their column."""
ALL = "all together"
DETECTORS = {**UNLABELLED, "trees": "trees_score", ALL: "score"}


@dataclass(frozen=True, slots=True)
class Judged:
    """Flags against truth, by detector; `labelled` is the flags with label, family, campaign_id, cohort."""

    labelled: pd.DataFrame
    reports: dict[str, FlagReport]

    def as_dict(self) -> dict[str, Any]:
        return {name: report.as_dict() for name, report in self.reports.items()}

    def lines(self) -> list[str]:
        whole = self.reports[ALL]
        said = [
            f"against truth     {whole.positives:,} of {whole.sessions - whole.mixed:,} user-days are bots' "
            f"({100 * whole.prevalence:.2f} %)"
        ]
        for name, one in self.reports.items():
            precision = one.average_precision
            said.append(
                f"{name:<18}precision {format_share(one.precision)}; recall {format_share(one.recall)}; "
                f"average precision {'none' if precision is None else f'{precision:.3f}'}"
            )
        said += [f"recall of {name:<16}{format_share(share)}" for name, share in whole.recall_by_family.items()]
        said += [f"false alarms, {name:<16}{format_share(s)}" for name, s in whole.false_alarms_by_cohort.items()]
        return said


def judge(flags: pd.DataFrame, world: World, rng: np.random.Generator) -> Judged | None:
    """Compare flags with the world's truth; None where the world has none."""
    return judged_by_truth(flags, world, rng) if world.truth("users.parquet").exists() else None


def judged_by_truth(flags: pd.DataFrame, world: World, rng: np.random.Generator) -> Judged:
    """Compare flags with the world's truth. Raises WorldError where it is not whole."""
    labelled = label_user_days(flags, world)
    return Judged(labelled, reports_of(labelled, rng))


def reports_of(labelled: pd.DataFrame, rng: np.random.Generator) -> dict[str, FlagReport]:
    """FlagReport each detector on labelled flags."""
    made = {}
    for name, column in DETECTORS.items():
        if labelled[column].isna().all():  # the trees were not asked
            continue
        one = labelled.assign(score=labelled[column], is_flagged=labelled[column] >= FLAG)
        made[name] = measure_flags(one, rng)
    return made
