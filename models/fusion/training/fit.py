"""Fit each part of the fusion at natural prevalence, always judged on accounts that it was not fitted on."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import expit

from contracts.labels import HONEST
from models.campaigns.group_model import MAX_PROBABILITY
from models.errors import ModelError
from models.fusion.evidence import EVIDENCE, GROUP, PARTS, group_evidence
from models.fusion.logistic import fit_logistic
from models.fusion.model import ACCOUNT_INPUTS, Stack, account_inputs, inputs_of
from models.fusion.training.worlds import BOTS, PEOPLE, FusionWorld
from models.user_days.calibration import PREVALENCE
from runtime.arrays import Bools, Floats, Ints

MAX_FALSE_ALARMS = 0.001
"""Share of the honest account-days that a threshold may flag: a choice, that of the lab and of the arena."""
MIN_RECALL = 0.15
"""Share of the bots' accounts under which a set of detectors says too little to suspect anybody: a choice."""
FOLDS = 5
GROUP_RIDGE = 1e-4
KINDS = ("lockstep", "shared_tracks", "block")


def account_weights(family: pd.Series) -> Floats:
    """Return a weight by account with which PREVALENCE of them are bots.

    >>> account_weights(pd.Series(["farm", "honest", "honest"])).round(3).tolist()
    [0.006, 0.497, 0.497]
    """
    is_bot = (family != HONEST).to_numpy()
    return np.where(is_bot, PREVALENCE / max(is_bot.sum(), 1), (1 - PREVALENCE) / max((~is_bot).sum(), 1))


def fit_groups(worlds: Sequence[FusionWorld]) -> Floats:
    """Return intercepts of KINDS and slopes of FEATURES, by the accounts in the groups of some worlds.

    A slope is at least 0: a larger, tighter group that owns its tracks is never less suspicious. Raises ModelError
    where they have no group.
    """
    values, labels, weights = [], [], []
    for world in worlds:
        share = account_weights(world.accounts["family"])
        is_bot = (world.accounts["family"] != HONEST).to_numpy()
        inputs = _group_inputs(world)
        for column, are_bots, of_each in ((BOTS, True, share[is_bot].max()), (PEOPLE, False, share[~is_bot].max())):
            values.append(inputs)
            labels.append(np.full(len(inputs), are_bots))
            weights.append(world.groups[column].to_numpy() * of_each)
    lower = np.append(np.full(len(KINDS), -np.inf), np.zeros(values[0].shape[1] - len(KINDS)))
    label, weight = np.concatenate(labels), np.concatenate(weights)
    if not weight.any():
        raise ModelError("no group of accounts was found in the worlds: simulate scenario field")
    return fit_logistic(np.vstack(values), label, weight, lower, GROUP_RIDGE)


def _group_inputs(world: FusionWorld) -> Floats:
    kinds = world.groups["kind"].to_numpy()[:, None] == np.array(KINDS)
    return np.hstack([kinds, world.features])


def group_evidence_of(world: FusionWorld, fitted: Floats) -> Floats:
    """Return the evidence of groups by account-day of a world, their probabilities by these numbers."""
    probability = np.minimum(expit(fitted[0] + _group_inputs(world) @ fitted[1:]), MAX_PROBABILITY)
    return group_evidence(world.days["user_id"], world.groups.assign(probability=probability))


def evidence_out_of_world(worlds: Sequence[FusionWorld]) -> pd.DataFrame:
    """Return EVIDENCE of all worlds, that of each world's groups by the numbers that the other worlds give."""
    parts = []
    for world in worlds:
        others = [other for other in worlds if other is not world] or [world]
        parts.append(world.evidence.assign(**{GROUP: group_evidence_of(world, fit_groups(others))})[list(EVIDENCE)])
    return pd.concat(parts, ignore_index=True)


def all_known() -> list[frozenset[str]]:
    """List the sets of PARTS that may be known, the largest first."""
    return [frozenset(some) for n in range(len(PARTS), -1, -1) for some in combinations(PARTS, n)]


def fit_stack(known: frozenset[str], evidence: pd.DataFrame, label: Floats, weight: Floats) -> Floats:
    """Return the intercept and the weights of `inputs_of(known)`, from rows in which all of them are known.

    `label`: 1, 0, NaN (left out). Evidence never counts as innocence: a weight is at least 0.
    """
    names = list(inputs_of(known))
    rows = evidence[names].notna().all(axis=1).to_numpy() & ~np.isnan(label)
    values = evidence.loc[rows, names].to_numpy(dtype=np.float64)
    return fit_logistic(values, label[rows] == 1, weight[rows], np.zeros(len(names)))


def score_stack(known: frozenset[str], evidence: pd.DataFrame, fitted: Floats) -> Floats:
    """Return log-odds by row; NaN where an input is unknown."""
    scores: Floats = fitted[0] + evidence[list(inputs_of(known))].to_numpy(dtype=np.float64) @ fitted[1:]
    return scores


def out_of_fold(known: frozenset[str], evidence: pd.DataFrame, label: Floats, weight: Floats, fold: Ints) -> Floats:
    """Return log-odds by row, each by weights that were fitted without its fold."""
    scores = np.full(len(evidence), np.nan)
    for number in range(FOLDS):
        fitted = fit_stack(known, evidence[fold != number], label[fold != number], weight[fold != number])
        scores[fold == number] = score_stack(known, evidence[fold == number], fitted)
    return scores


def threshold_of(scores: Floats, honest: Bools) -> float:
    """Return the log-odds that at most MAX_FALSE_ALARMS of the honest account-days reach."""
    known = scores[honest & ~np.isnan(scores)]
    return float(np.nextafter(np.quantile(known, 1 - MAX_FALSE_ALARMS, method="higher"), np.inf))


def as_stack(known: frozenset[str], fitted: Floats, threshold: float) -> Stack:
    """Return fitted numbers as a stack of the model, in four decimals."""
    weights = {name: round(float(value), 4) for name, value in zip(inputs_of(known), fitted[1:], strict=True)}
    return Stack(known, round(float(fitted[0]), 4), weights, math.ceil(threshold * 1e4) / 1e4)


def fit_accounts(user_ids: pd.Series, scores: Floats, family: pd.Series) -> Floats:
    """Return the intercept and the weights of ACCOUNT_INPUTS; `family`: by account, HONEST where it is no bot's."""
    inputs = account_inputs(user_ids, scores)
    of_account = family.reindex(inputs.index)
    lower = np.array([0.0, 0.0, -np.inf])
    return fit_logistic(
        inputs[list(ACCOUNT_INPUTS)].to_numpy(), (of_account != HONEST).to_numpy(), account_weights(of_account), lower
    )
