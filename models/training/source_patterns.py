"""Train and test the session scorer with the fields masked that sources lack.

A model that never saw a missing field takes it for evidence, since a split must send it to one side. So every training
session also comes masked: as one of the sources that exist, or with random groups of fields gone. A threshold is then
chosen for each kind of source, on sessions masked the same way.
"""

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from contracts.features import FEATURE_NAMES
from contracts.measurable import NEEDS_ACCOUNT, NEEDS_ACTIONS, NEEDS_CLIENT, NEEDS_FIELD, NEEDS_TRACK, SOURCE_PATTERNS
from models.metrics.flags import average_precision
from models.metrics.intervals import CONFIDENCE, RESAMPLES, wilson
from models.training.thresholds import Thresholds, choose_thresholds
from runtime.arrays import Floats

MASKED_COPIES = 2
"""Masked copies of each training session, next to the complete one."""
RANDOM_SHARE = 0.25
"""Share of the masked copies that lack random fields instead of those of a source that exists."""
RANDOM_LOSS = 0.3
"""Chance that such a copy lacks a field."""
MAX_FALSE_ALARMS = 0.004
"""Most honest account-days with a flagged session that a threshold may cause, as a share, at the upper end of its 95 %
interval over accounts: the people who are judged later are others than those of the calibration block. A choice: real
people are odder than simulated ones, and the aim for them is under 1 in 100."""
MAX_OF_A_KIND = 0.008
"""Most days of one kind of odd people that a threshold may flag, as a share: a choice. The aim is under 1 in 100 for
each kind, and the people of a kind who are judged later are others, and few."""
MAX_WITHOUT_DEVICES = 0.01
"""The same where a source does not tell devices, so in a person's export, and rounded up to whole days. Two people at
once look there like a bot that plays twice as fast: scrobbles would lose another quarter of the recall by the bound
above."""
MIN_RECALL = 0.25
"""Recall under which a score says too little to flag anybody: a choice. Sessions of bare times (.24) and of scrobbles
to the minute are under it: who sleeps to music or hears 150 tracks in a row looks like a bot there, and account windows
tell more."""
COMPLETE = "complete"

Score = Callable[[pd.DataFrame, Collection[str]], Floats]
"""Scores sessions whose source lacks some features: the probability without what those features contribute."""


def mask(sessions: pd.DataFrame, unknown: Collection[str]) -> pd.DataFrame:
    """Set features that a source cannot tell to missing."""
    return sessions.assign(**{name: np.nan for name in FEATURE_NAMES if name in unknown})


def with_masked_copies(
    sessions: pd.DataFrame, rng: np.random.Generator, features: Sequence[str] = FEATURE_NAMES
) -> pd.DataFrame:
    """Return the sessions, and MASKED_COPIES of each of them as its account's source would have it.

    `features`: the columns that a source may lack.
    """
    users, names = pd.factorize(sessions["user_id"])
    patterns = [unknown for name, unknown in SOURCE_PATTERNS.items() if name != COMPLETE]
    copies = [sessions]
    for _ in range(MASKED_COPIES):
        is_random = rng.random(len(names)) < RANDOM_SHARE
        chosen = rng.integers(len(patterns), size=len(names))
        masks = np.stack(
            [
                np.isin(features, list(_random_loss(rng) if lost else patterns[i]))
                for lost, i in zip(is_random, chosen, strict=True)
            ]
        )
        values = sessions[list(features)].to_numpy(dtype=np.float64)
        values[masks[users]] = np.nan
        copies.append(sessions.assign(**dict(zip(features, values.T, strict=True))))
    return pd.concat(copies, ignore_index=True)


def _random_loss(rng: np.random.Generator) -> set[str]:
    """Draw fields that a source lacks, and return the features that go with them."""
    needs = [
        *NEEDS_FIELD.values(),
        *NEEDS_TRACK.values(),
        *NEEDS_ACCOUNT.values(),
        *NEEDS_CLIENT.values(),
        tuple(NEEDS_ACTIONS),
    ]
    lost = rng.random(len(needs)) < RANDOM_LOSS
    return {name for features, is_lost in zip(needs, lost, strict=True) if is_lost for name in features}


def alarm_threshold(
    scores: Floats, sessions: pd.DataFrame, rng: np.random.Generator, share: float = MAX_FALSE_ALARMS
) -> float:
    """Return the lowest score at which at most a share of the honest account-days has a flagged session.

    The share is the upper end of its 95 % interval, which resamples whole accounts. `sessions` has user_id, started_at
    and label; a day is one of UTC.
    """
    highest = _highest_by_day(scores, sessions)
    return account_threshold(highest, rng, share) if len(highest) else 1.0


def account_threshold(by_day: "pd.Series[float]", rng: np.random.Generator, share: float) -> float:
    """Return the lowest score that at most a share of account-days reaches, at the upper end of its 95 % interval.

    `by_day`: one score or more per account-day, the account in the first level of the index. Whole accounts are
    resampled: days of one person are similar.
    """
    ranked = by_day.sort_values(ascending=False)
    account = pd.factorize(ranked.index.get_level_values(0))[0]
    accounts = int(account.max()) + 1
    drawn = rng.multinomial(accounts, np.full(accounts, 1 / accounts), size=RESAMPLES)  # (resamples, accounts)
    days = drawn @ np.bincount(account)
    # the upper end is never under the value, so no more days than this can be over the threshold
    top = account[: int(np.ceil(share * len(ranked))) + 1]
    flagged = np.cumsum(drawn[:, top], axis=1) / days[:, None]  # by number of days that are flagged
    allowed = int((np.quantile(flagged, (1 + CONFIDENCE) / 2, axis=0) <= share).sum())
    return float(np.nextafter(ranked.iloc[min(allowed, len(ranked) - 1)], np.inf))


def kind_threshold(
    scores: Floats, sessions: pd.DataFrame, share: float = MAX_OF_A_KIND, rounds_up: bool = False
) -> float:
    """Return the lowest score at which at most a share of the honest account-days of every kind has a flagged session.

    `sessions` has cohort, the kind of listener, and what `alarm_threshold` needs. A share of days is rounded down, so
    that one under a day allows none, or up.
    """
    of_kinds = [
        _highest_by_day(rows["score"].to_numpy(), rows) for _, rows in sessions.assign(score=scores).groupby("cohort")
    ]
    return max((share_threshold(highest, share, rounds_up) for highest in of_kinds if len(highest)), default=-np.inf)


def share_threshold(scores: "pd.Series[float]", share: float, rounds_up: bool = False) -> float:
    """Return the lowest score that at most a share of the scores reaches, rounded down or up to whole ones.

    >>> scores = pd.Series([0.1, 0.2, 0.3])
    >>> [int((scores >= share_threshold(scores, 0.01, rounds_up)).sum()) for rounds_up in (False, True)]
    [0, 1]
    """
    allowed = math.ceil(share * len(scores)) if rounds_up else int(share * len(scores))
    highest = scores.sort_values(ascending=False).to_numpy()
    return float(np.nextafter(highest[min(allowed, len(highest) - 1)], np.inf))


def _highest_by_day(scores: Floats, sessions: pd.DataFrame) -> "pd.Series[float]":
    """Return the highest score of each honest account-day, by account and day."""
    honest = (sessions["label"] == 0).to_numpy()
    keys = [sessions["user_id"].to_numpy()[honest], sessions["started_at"].dt.date.to_numpy()[honest]]
    return pd.Series(scores[honest]).groupby(keys).max()


def choose_by_pattern(
    score: Score,
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    rng: np.random.Generator,
    odd: pd.DataFrame | None = None,
) -> tuple[Thresholds, list[dict[str, Any]]]:
    """Choose the thresholds of each kind of source on the calibration block, and measure them on the test block.

    Returns those of a complete source, and an entry for the manifest of every other one. A threshold is the one of
    `choose_thresholds`, or the one that keeps to MAX_FALSE_ALARMS where that is higher, or with sessions of `odd`
    people the one that keeps to MAX_OF_A_KIND or MAX_WITHOUT_DEVICES.
    """
    complete: Thresholds | None = None
    entries = []
    for name, unknown in SOURCE_PATTERNS.items():
        masked = calibration.assign(score=score(calibration, unknown))
        lowest = alarm_threshold(masked["score"].to_numpy(), masked, rng)
        if odd is not None:
            of_odd = score(odd, unknown)
            if "n_devices" in unknown:
                lowest = max(lowest, kind_threshold(of_odd, odd, MAX_WITHOUT_DEVICES, rounds_up=True))
            else:
                lowest = max(lowest, kind_threshold(of_odd, odd))
        thresholds = choose_thresholds(masked, rng).at_least(lowest)
        if name == COMPLETE:
            complete = thresholds
        recall = float((masked.loc[masked["label"] == 1, "score"] >= thresholds.review).mean())
        is_enough = recall >= MIN_RECALL
        entries.append(
            {
                "name": name,
                "unknown": sorted(unknown & {*FEATURE_NAMES}),
                "review": thresholds.review if is_enough else None,
                "filter": thresholds.filter if is_enough and thresholds.is_filter_proven else None,
                "test": _measure(score(test, unknown), test, thresholds.review),
            }
        )
    assert complete is not None
    return complete, entries


def _measure(scores: Floats, test: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """Measure a threshold: false alarms per 100 honest account-days with their interval, recall, average precision."""
    days = _highest_by_day(scores, test)
    alarms = int((days >= threshold).sum())
    low, high = wilson(alarms, len(days))
    positive = (test["label"] == 1).to_numpy()
    known = test["label"].notna().to_numpy()
    return {
        "honest_account_days": len(days),
        "false_alarms_per_100": {"value": 100 * alarms / max(len(days), 1), "low": 100 * low, "high": 100 * high},
        "recall": float((scores[positive] >= threshold).mean()) if positive.any() else None,
        "average_precision": average_precision(test.loc[known, "label"], pd.Series(scores[known], test.index[known])),
    }
