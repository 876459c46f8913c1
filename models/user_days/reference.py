"""A forest for histories of few people: fitted on honest days of a reference population, not on the days it scores.

Fitted on one person's own month, a share of 1 % is the strangest of 28 days: some day is always flagged. The reference
is a sample of simulated honest user-days, odd listeners among them, as the forest reads them. What the source at hand
cannot tell is left out of the reference too.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.registry.artefact import ARTIFACTS, read_trusted
from models.registry.champions import FOREST_REFERENCE
from models.user_days.forest import ForestInput, fit, forest_input
from models.user_days.history import sort_user_days
from runtime.arrays import Floats

REFERENCE = ARTIFACTS / "user_day_forest" / "reference.parquet"
ROWS = 5_000
"""User-days of the reference."""
FLAG_SHARE = 0.001
"""Share of the reference that would be flagged. Real people are odder than simulated ones; the aim for them is under
1 % together with the rules."""
MIN_ACCOUNTS = 100
"""Accounts from which a world is a population by itself: a choice."""


def build_reference(honest: pd.DataFrame, features: tuple[str, ...], rng: np.random.Generator) -> pa.Table:
    """Draw the reference from user-days of honest accounts (table `user_days`): two columns per feature, rounded."""
    days = sort_user_days(honest)
    matrix = forest_input(days, features).matrix
    rows = np.sort(rng.permutation(len(days))[:ROWS])
    return pa.table({name: pa.array(matrix[rows, i].astype(np.float16)) for i, name in enumerate(_columns(features))})


def write_reference(table: pa.Table, path: Path) -> None:
    """Write a reference; its SHA-256 goes into `models/registry/champions.py`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table, path, compression="zstd", compression_level=19, use_dictionary=False, use_byte_stream_split=True
    )


def read_reference(features: tuple[str, ...], path: Path = REFERENCE) -> Floats:
    """Read the reference as the forest's matrix (rows, 2 × features). Raises ModelError where it is another file."""
    table = pq.read_table(pa.BufferReader(read_trusted(path, FOREST_REFERENCE)))
    return np.column_stack([table[name].to_numpy().astype(np.float64) for name in _columns(features)])


def scores_by_reference(inputs: ForestInput, reference: Floats, rng: np.random.Generator) -> Floats:
    """Score user-days by a forest fitted on the reference, without what none of them knows; 0.5 and over is a flag.

    An account's first week is scored by its levels alone. A few people are no cohort for each other, and of many kinds
    of people the odd ones (who sleep to music, play all day) are far from the median on every day.
    """
    matrix = inputs.without_cohorts()
    is_known = ~np.isnan(matrix).all(axis=0)
    fitted = fit(reference[:, is_known], rng, FLAG_SHARE)
    return fitted.score(matrix[:, is_known])


def _columns(features: tuple[str, ...]) -> list[str]:
    return [*features, *(f"{name}_against_own" for name in features)]
