"""Hard negatives: honest accounts that look like bots. Each changes the traits of its members; one file each."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.cohorts.sleep import sleep
from producer.simulator.cohorts.superfan import superfan
from producer.simulator.cohorts.venue import venue
from producer.simulator.population import Traits

Cohort = Callable[[Traits, NDArray[np.int64], Generator], None]

COHORTS: dict[str, Cohort] = {"superfan": superfan, "sleep": sleep, "venue": venue}
COHORT_NAMES = ("regular", *COHORTS)
"""Cohorts by code."""
