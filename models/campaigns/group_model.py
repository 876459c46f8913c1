"""How likely a group of accounts is one operator's: by its size, how tight it is, and whose plays its tracks live on.

Fans of one artist, an office and a release day make groups too. What tells them apart is money: an operator's accounts
give most of their streams to tracks that hardly anybody else plays. The numbers are fitted on simulated worlds
(`playproof days train-fusion`), in which honest groups of each kind were found as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from models.campaigns.finders import Group
from models.tables.plays import Plays
from runtime.arrays import Floats, Ints

FEATURES = ("log2_size", "tightness", "focus", "ownership")
"""log2 of the accounts · common share of what links them · share of their streams that go to tracks which half of them
stream · the same, each stream weighted by the group's share of all the streams of its track."""
ASSUMED = {"device": 0.9, "payment": 0.3}
"""Probability of kinds that no simulated honest account makes by chance: assumptions."""
MAX_PROBABILITY = 0.95
"""A simulator has no small artist whose few fans are all there is: no group is surer than this."""


@dataclass(frozen=True, slots=True)
class GroupModel:
    """A logistic regression on FEATURES, with an intercept for each kind of group."""

    intercepts: dict[str, float]
    slopes: tuple[float, ...]

    def probabilities(self, groups: Sequence[Group], plays: Plays) -> Floats:
        """Return for each group the probability that its accounts are an operator's."""
        if not groups:
            return np.empty(0)
        known = np.array([self.intercepts.get(group.kind, 0.0) for group in groups])
        fitted = np.minimum(expit(known + group_features(groups, plays) @ np.array(self.slopes)), MAX_PROBABILITY)
        return np.array(
            [
                ASSUMED.get(group.kind, p if group.kind in self.intercepts else 0.0)
                for group, p in zip(groups, fitted, strict=True)
            ]
        )


def group_features(groups: Sequence[Group], plays: Plays) -> Floats:
    """Return FEATURES of groups, shape (groups, features)."""
    streams = plays.is_stream
    user, track = plays.user[streams].astype(np.int64), plays.track[streams].astype(np.int64)
    total = np.bincount(track, minlength=len(plays.tracks))
    order = np.argsort(user, kind="stable")
    begins = np.searchsorted(user[order], np.arange(len(plays.users) + 1))
    track = track[order]
    rows = []
    for group in groups:
        parts = [track[begins[member] : begins[member + 1]] for member in group.users]
        rows.append((np.log2(len(group.users)), group.tightness, *_focus_and_ownership(parts, total)))
    return np.array(rows, dtype=np.float64).reshape(len(groups), len(FEATURES))


def _focus_and_ownership(tracks: Sequence[Ints], total: Ints) -> tuple[float, float]:
    """Return both from the streamed tracks of each account, and all streams by track."""
    together = np.concatenate(tracks) if tracks else np.empty(0, dtype=np.int64)
    if not len(together):
        return 0.0, 0.0
    code, streams = np.unique(together, return_counts=True)
    listeners = np.bincount(
        np.searchsorted(code, np.concatenate([np.unique(part) for part in tracks])), minlength=len(code)
    )
    is_shared = listeners >= max(2, len(tracks) / 2)
    of_shared = streams * is_shared
    return of_shared.sum() / len(together), float((of_shared * streams / total[code]).sum() / len(together))
