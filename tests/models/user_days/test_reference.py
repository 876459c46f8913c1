"""The reference population of the forest: what ships is what is trusted, and fits the forest's features."""

import numpy as np

from models.user_days.detect import FOREST_FEATURES
from models.user_days.reference import ROWS, read_reference


def test_the_reference_that_ships_is_the_trusted_one_with_two_columns_per_feature() -> None:
    reference = read_reference(tuple(feature.name for feature in FOREST_FEATURES))
    assert reference.shape == (ROWS, 2 * len(FOREST_FEATURES))
    assert not np.isinf(reference).any()
