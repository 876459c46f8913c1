"""Heuristic labels from a trusted honest cohort, and the true ones, in three categories of abuse."""

from dataclasses import dataclass

import numpy as np

from contracts.events import CODECS, DEVICES, DRMS
from contracts.labels import ACCOUNT, CATEGORIES, CONTENT, FAMILIES, SERVICE
from models.lab.days import UserDays
from runtime.arrays import Bools, Floats

RARE = 0.999
"""Quantile of the trusted cohort over which a count is abnormal (arXiv 2203.02124)."""
MIN_STARTS = 20
"""Starts from which a share of failed ones means something (the same)."""


def _letters(prefix: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{prefix}_{letter}_pct" for letter, _ in zip("abcdefghij", values, strict=False))


FEATURES = (
    "license_cnt", "license_rate_10min", "failed_start_cnt", "error_rate", "dist_dev_id_cnt", "dist_cdm_cnt",
    "dist_drm_cnt", "dist_enc_frmt_cnt", "dist_title_cnt", *_letters("dev_type", DEVICES), *_letters("drm_type", DRMS),
    *_letters("end_frmt", CODECS),
)  # fmt: skip
"""23, as there: the nine that are named, less dev_type_a, drm_type_a and end_frmt_a, which the shares include."""


@dataclass(frozen=True, slots=True)
class Heuristic:
    """One rule: `feature` over the trusted cohort's quantile, on days of at least so many starts."""

    name: str
    category: str
    feature: str
    min_starts: int = 0


HEURISTICS = (
    Heuristic("rapid licences", CONTENT, "license_rate_10min"),
    Heuristic("odd device and DRM", CONTENT, "dev_drm_mismatch"),
    Heuristic("failed starts", SERVICE, "error_rate", MIN_STARTS),
    Heuristic("many licences", SERVICE, "license_cnt"),
    Heuristic("many devices", ACCOUNT, "dist_dev_id_cnt"),
    Heuristic("shared device", ACCOUNT, "accounts_per_device"),
)
"""Two per category. An odd pair is outside the contract's table (`DRMS_OF`), and rarer than the trusted cohort's."""


def heuristic_tags(days: UserDays) -> Bools:
    """Return (rows, categories): what the heuristics say, with limits from the trusted cohort alone."""
    trusted = days.frame["is_trusted"].to_numpy(dtype=bool)
    starts = days.column("plays") + np.nan_to_num(days.column("failed_start_cnt"))
    tags = np.zeros((len(days), len(CATEGORIES)), dtype=bool)
    for heuristic in HEURISTICS:
        value = np.nan_to_num(days.column(heuristic.feature))
        limit = np.quantile(value[trusted], RARE) if trusted.any() else np.inf
        fires = (value > limit) & (starts >= heuristic.min_starts)
        tags[:, CATEGORIES.index(heuristic.category)] |= fires
    return tags


def true_tags(days: UserDays) -> Bools:
    """Return (rows, categories): the categories of the family that made the day's paid-for streams."""
    tags = np.zeros((len(days), len(CATEGORIES)), dtype=bool)
    for family in FAMILIES.values():
        rows = days.family == family.name
        for category in family.categories:
            tags[rows, CATEGORIES.index(category)] = True
    return tags


def matrix(days: UserDays) -> Floats:
    """Return (rows, FEATURES), 0 where a day has no activity to take a share of."""
    return np.nan_to_num(np.column_stack([days.column(name) for name in FEATURES]))
