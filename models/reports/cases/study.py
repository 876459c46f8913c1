"""Two days that nobody has, by each detector: 23 hours in a row, and 30-second plays at 3 in the morning.

Also what no day shows: accounts whose listening repeats at a period, and weeks in a row that are high.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.labels.truth import label_user_days, read_account_truth
from models.metrics.intervals import Share, share_by_account
from models.reports.cases.forests import score_forests
from models.reports.daily import read_user_days
from models.reports.habits import HIGH_WEEKS, find_repeating, is_repeating, max_high_weeks
from models.tables.plays import read_plays
from models.user_days.detect import SEED, detect
from models.user_days.history import WINDOW_DAYS, sort_user_days
from models.user_days.hybrid import FLAG
from runtime.arrays import Bools, Floats, Ints
from runtime.local_time import day_numbers
from runtime.world import World, WorldError

RARE_DAY, OFTEN_DAY, NEW_NIGHTS, OLD_NIGHTS = "all day, rare", "all day, often", "nights, new", "nights, always"
MOST_RARE_DAYS = 3
"""A day of 23 hours is rare up to this many others in the 28 days before it; beyond, it is a habit of the account."""
CASES = {
    RARE_DAY: f"23 hours in a row, up to {MOST_RARE_DAYS} such days before",
    OFTEN_DAY: "23 hours in a row, more such days before",
    NEW_NIGHTS: "30-second plays at 3 in the morning, after 4 weeks without",
    OLD_NIGHTS: "the same from the first day",
}
"""Kind of day -> what it is. The first two are of family `sleepless`, the others of `quiet_shift`, in usual hours."""
WARM_UP_DAYS = 7
"""First days, which are not measured: no account has a history, and the forest has no days before to be fitted on."""
HONEST_SHARE = 0.01
"""Share of honest user-days that a detector may flag where detectors are compared at the same price."""
FAR_DAYS = 1 << 20
"""More days than any world has: keeps accounts apart in one number."""


@dataclass(frozen=True, slots=True)
class CaseStudy:
    """Results, each a share with its interval by account."""

    seed: int
    days: int
    """User-days that were measured: those after the first WARM_UP_DAYS."""
    accounts: int
    flagged: dict[str, dict[str, Share]]
    """By detector: share of each case's days that is flagged, and of honest ones."""
    at_one_percent: dict[str, dict[str, Share]]
    """By detector, all forests among them: share of each case's days above the score that HONEST_SHARE of honest days
    exceed.
    """
    repeating: dict[str, Share]
    """By family: share of accounts whose listening repeats at a period that is not the day's."""
    period_h: dict[str, float]
    """By family: median period of these accounts."""
    high_weeks: dict[str, Share]
    """By family or cohort: share of accounts that were high for HIGH_WEEKS weeks in a row at some time."""
    scores: pd.DataFrame
    """kind (case, honest), rules_score, forest_score by user-day: for the figure."""


def study_cases(world: World, seed: int = SEED) -> CaseStudy:
    """Measure rules, forest and hybrid on the cases of a world. Raises WorldError without user-days or truth."""
    if not world.truth("users.parquet").exists():
        raise WorldError(f"world {world.name} has no truth to compare with: take a simulated one")
    days = sort_user_days(read_user_days(world))
    labelled = label_user_days(detect(days, seed), world)
    day = day_numbers(labelled["local_date"])
    is_tested = day >= day.min() + WARM_UP_DAYS
    if not is_tested.any():
        raise WorldError(
            f"world {world.name} has {int(np.ptp(day)) + 1} days: the study needs more than {WARM_UP_DAYS}"
        )
    rng = np.random.default_rng(seed)
    is_honest = (labelled["account_family"] == HONEST).to_numpy()
    forests = score_forests(days, is_honest, is_tested, rng)
    tested = labelled[is_tested].reset_index(drop=True)
    flaggers = {"rules": tested["rules_score"], "forest": tested["forest_score"], "hybrid": tested["hybrid_score"]}
    compared = {"rules": tested["rules_score"].to_numpy()} | {name: s[is_tested] for name, s in forests.items()}
    rows = {kind: mask[is_tested] for kind, mask in _kinds(labelled, day).items()}
    plays, truth = read_plays(world, "raw"), read_account_truth(world).set_index("user_id")
    periods = find_repeating(plays, rng)
    by_period = _account_kinds(plays.users[periods.account], truth)
    repeats = is_repeating(periods)
    high = max_high_weeks(days) >= HIGH_WEEKS
    by_weeks = _account_kinds(high.index, truth)
    return CaseStudy(
        seed=seed,
        days=len(tested),
        accounts=tested["user_id"].nunique(),
        flagged={name: _shares(tested, score.to_numpy() >= FLAG, rows, rng) for name, score in flaggers.items()},
        at_one_percent={name: _shares(tested, _above(score, rows), rows, rng) for name, score in compared.items()},
        repeating=_by_kind(by_period, repeats, rng),
        period_h={
            kind: float(np.median(periods.period_h[repeats & (by_period == kind)]))
            for kind in np.unique(by_period[repeats].astype(str))
        },
        high_weeks=_by_kind(by_weeks, high.to_numpy(dtype=bool), rng),
        scores=_for_figure(tested, rows),
    )


def _kinds(labelled: pd.DataFrame, day: Ints) -> dict[str, Bools]:
    """Return which rows are of a case, and which are honest people's."""
    positive = (labelled["label"] == 1).to_numpy()
    family = labelled["family"].to_numpy(dtype=object)
    account = pd.factorize(labelled["user_id"])[0]
    began = pd.Series(day).where(positive).groupby(account).transform("min").to_numpy()
    all_day, nights = positive & (family == "sleepless"), positive & (family == "quiet_shift")
    is_new = began >= day.min() + WINDOW_DAYS - 1  # a night that begins before midnight is of the day before
    is_rare = _count_before(account, day, all_day) <= MOST_RARE_DAYS
    honest = (labelled["label"] == 0).to_numpy() & (labelled["account_family"] == HONEST).to_numpy()
    return {
        RARE_DAY: all_day & is_rare,
        OFTEN_DAY: all_day & ~is_rare,
        NEW_NIGHTS: nights & is_new,
        OLD_NIGHTS: nights & ~is_new,
        HONEST: honest,
    }


def _count_before(account: Ints, day: Ints, counted: Bools) -> Ints:
    """Count for each user-day the counted days of the account in the 28 days before it."""
    key = account * FAR_DAYS + day
    days = np.sort(key[counted])
    return np.searchsorted(days, key) - np.searchsorted(days, key - WINDOW_DAYS)


def _above(score: Floats, rows: Mapping[str, Bools]) -> Bools:
    return score > np.quantile(score[rows[HONEST]], 1 - HONEST_SHARE)


def _shares(tested: pd.DataFrame, hit: Bools, rows: Mapping[str, Bools], rng: np.random.Generator) -> dict[str, Share]:
    users, hits = tested["user_id"], pd.Series(hit)
    return {kind: share_by_account(users[mask], hits[mask], rng) for kind, mask in rows.items()}


def _account_kinds(users: pd.Index, truth: pd.DataFrame) -> np.ndarray:
    """Return the family of each account, or of an honest one its cohort."""
    known = truth.reindex(users)
    return np.where(known["family"] == HONEST, "honest, " + known["cohort"].astype(str), known["family"].astype(str))


def _by_kind(kind: np.ndarray, hit: Bools, rng: np.random.Generator) -> dict[str, Share]:
    """Return the share of accounts that are hit: of all honest ones, and of each family and cohort."""
    is_honest = np.char.startswith(kind.astype(str), HONEST)
    masks = {HONEST: is_honest} | {name: kind == name for name in np.unique(kind.astype(str))}
    return {
        name: share_by_account(pd.Series(np.flatnonzero(mask)), pd.Series(hit[mask]), rng)
        for name, mask in masks.items()
    }


def _for_figure(tested: pd.DataFrame, rows: Mapping[str, Bools]) -> pd.DataFrame:
    kind = np.select(list(rows.values()), list(rows), "")
    frame = tested[["rules_score", "forest_score"]].assign(kind=kind)
    return frame[frame["kind"] != ""].reset_index(drop=True)
