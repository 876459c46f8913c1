"""Hard negatives: honest accounts that look like bots. Each changes the traits of its members; one file each."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.cohorts.all_hours import all_hours
from producer.simulator.cohorts.big_day import big_day
from producer.simulator.cohorts.binge import binge
from producer.simulator.cohorts.buggy_client import buggy_client
from producer.simulator.cohorts.child import child
from producer.simulator.cohorts.drifter import drifter
from producer.simulator.cohorts.family_account import family_account
from producer.simulator.cohorts.long_run import long_run
from producer.simulator.cohorts.night_shift import night_shift
from producer.simulator.cohorts.office import office
from producer.simulator.cohorts.one_artist import one_artist
from producer.simulator.cohorts.one_list import one_list
from producer.simulator.cohorts.release_day import release_day
from producer.simulator.cohorts.sampler import sampler
from producer.simulator.cohorts.skip_heavy import skip_heavy
from producer.simulator.cohorts.sleep import sleep
from producer.simulator.cohorts.superfan import superfan
from producer.simulator.cohorts.traveller import traveller
from producer.simulator.cohorts.two_devices import two_devices
from producer.simulator.cohorts.venue import venue
from producer.simulator.cohorts.vpn import vpn
from producer.simulator.listeners.population import Traits

Cohort = Callable[[Traits, NDArray[np.int64], Generator], None]

COHORTS: dict[str, Cohort] = {
    "superfan": superfan,
    "sleep": sleep,
    "venue": venue,
    "family_account": family_account,
    "child": child,
    "skip_heavy": skip_heavy,
    "traveller": traveller,
    "office": office,
    "release_day": release_day,
    "vpn": vpn,
    "night_shift": night_shift,
    "buggy_client": buggy_client,
    "drifter": drifter,
    "binge": binge,
    "all_hours": all_hours,
    "sampler": sampler,
    "one_artist": one_artist,
    "two_devices": two_devices,
    "long_run": long_run,
    "big_day": big_day,
    "one_list": one_list,
}
COHORT_NAMES = ("regular", *COHORTS)
"""Cohorts by code. A new cohort comes last, so that the draws of those before it do not change."""
