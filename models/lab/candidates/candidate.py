"""What a candidate is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.lab.days import UserDays
from runtime.arrays import Floats

Kind = Literal["trivial", "rules", "unlabelled", "honest", "supervised", "fusion"]
"""What it learns from: nothing, nothing, all days without labels, the trusted cohort, labels, other candidates."""
Scorer = Callable[[UserDays], Floats]
"""User-days to scores, one per row, finite, higher is more suspicious."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One technique. `fit` takes the training days that its kind allows and a source of randomness."""

    name: str
    kind: Kind
    description: str
    """For a table."""
    fit: Callable[[UserDays, np.random.Generator], Scorer]
    max_rows: int | None = None
    """Rows it is trained on at most; None for all. Printed, never silent."""

    @property
    def learns_from_bots(self) -> bool:
        return self.kind in ("supervised", "fusion")
