"""Fit each part of the fusion at natural prevalence, always judged on accounts that it was not fitted on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.fusion.evidence import EVIDENCE, GROUP, PARTS
from models.fusion.logistic import fit_logistic
from models.fusion.model import ACCOUNT_INPUTS, Stack, account_inputs
from models.fusion.tails import Tail, by_rank, fit_tail, rounded
from models.fusion.training.groups import FoundGroups, account_weights, fit_groups
from models.fusion.training.worlds import FusionWorld
from runtime.arrays import Bools, Floats, Ints

MIN_RECALL = 0.15
"""Share of the bots' accounts under which a set of detectors says too little to suspect anybody: a choice."""
FOLDS = 5


def evidence_out_of_world(worlds: Sequence[FusionWorld]) -> pd.DataFrame:
    """Return EVIDENCE of all worlds, that of each world's groups by the numbers that the other worlds give."""
    parts = []
    for world in worlds:
        others = _others(world, worlds)
        parts.append(
            world.evidence.assign(**{GROUP: world.found.evidence(fit_groups(others), world.days["user_id"])})[
                list(EVIDENCE)
            ]
        )
    return pd.concat(parts, ignore_index=True)


def _others(world: FusionWorld, worlds: Sequence[FusionWorld]) -> list[FoundGroups]:
    return [other.found for other in worlds if other is not world and other.found.has_bots] or [world.found]


def masked_out_of_world(worlds: Sequence[FusionWorld]) -> dict[str, pd.DataFrame]:
    """Return by kind of source the EVIDENCE of all worlds, NaN of those that were not masked so."""
    tables = {}
    for name in sorted({name for world in worlds for name in world.masked}):
        parts = []
        for world in worlds:
            unknown = pd.DataFrame(np.nan, index=world.days.index, columns=list(EVIDENCE))
            groups = world.found.evidence(fit_groups(_others(world, worlds)), world.days["user_id"])
            masked = world.masked.get(name)
            parts.append(unknown if masked is None else masked.assign(**{GROUP: groups})[list(EVIDENCE)])
        tables[name] = pd.concat(parts, ignore_index=True)
    return tables


def fit_tails(evidence: pd.DataFrame, honest: Bools) -> dict[str, Tail]:
    """Return the tail of each of EVIDENCE among honest account-days, in four decimals."""
    return {name: rounded(fit_tail(evidence.loc[honest, name].to_numpy(dtype=np.float64))) for name in EVIDENCE}


def left_out_tails(worlds: Sequence[FusionWorld], tails: Mapping[str, Tail]) -> Floats:
    """Return tails of EVIDENCE (rows, EVIDENCE) of bots' days by detectors and groups that did not know the family.

    NaN in other rows, and where nothing was left out. A group counts here as those that were fitted without the family.
    """
    parts = []
    for world in worlds:
        table = pd.DataFrame(np.nan, index=world.days.index, columns=list(EVIDENCE))
        if world.left_out is not None:
            table.update(world.left_out)
            family = world.days["family"]
            for name in sorted(set(family) - {HONEST}):
                rows = (family == name).to_numpy()
                groups = world.found.evidence(fit_groups(_others(world, worlds), [name]), world.days["user_id"])
                table.loc[rows, GROUP] = tails[GROUP].of(groups[rows])
        parts.append(table)
    return pd.concat(parts, ignore_index=True).to_numpy(dtype=np.float64)


def all_known() -> list[frozenset[str]]:
    """List the sets of PARTS that may be known, the largest first."""
    return [frozenset(some) for n in range(len(PARTS), -1, -1) for some in combinations(PARTS, n)]


def _columns(known: frozenset[str]) -> list[int]:
    return [column for column, name in enumerate(PARTS) if name in known]


@dataclass(frozen=True, slots=True)
class Targets:
    """What a stack is fitted to, by account-day."""

    label: Floats
    """1, 0, NaN (left out)."""
    weight: Floats
    """With which the weights by rank are fitted: odd people count as much as everybody."""
    natural: Floats
    """With which the probability is: bots are as rare as they are, and days of worlds of odd people count nothing."""

    def of(self, rows: Bools) -> "Targets":
        """Return those of some account-days."""
        return Targets(self.label[rows], self.weight[rows], self.natural[rows])


def fit_stack(known: frozenset[str], parts: Floats, targets: Targets) -> Floats:
    """Return the intercept and the weights by rank, from rows of `parts` (rows, PARTS) that know `known`.

    Evidence never counts as innocence: a weight is at least 0.
    """
    values = parts[:, _columns(known)]
    rows = ~np.isnan(values).any(axis=1) & ~np.isnan(targets.label)
    ranked, chosen = by_rank(values[rows]), targets.of(rows)
    weights = fit_logistic(ranked, chosen.label == 1, chosen.weight, np.zeros(values.shape[1]))[1:]
    calibrated = fit_logistic((ranked @ weights)[:, None], chosen.label == 1, chosen.natural, np.zeros(1))
    return np.append(calibrated[0], calibrated[1] * weights)


def score_stack(known: frozenset[str], parts: Floats, fitted: Floats) -> Floats:
    """Return log-odds by row; NaN where an input is unknown."""
    values = parts[:, _columns(known)]
    scores: Floats = fitted[0] + by_rank(values) @ fitted[1:]
    return np.where(np.isnan(values).any(axis=1), np.nan, scores)


def out_of_fold(
    known: frozenset[str], fitted_on: Floats, scored: Sequence[Floats], targets: Targets, fold: Ints
) -> list[Floats]:
    """Return log-odds of the rows of each table in `scored`, by weights fitted on other folds of `fitted_on`."""
    scores = [np.full(len(table), np.nan) for table in scored]
    for number in range(FOLDS):
        rest, mine = fold != number, fold == number
        fitted = fit_stack(known, fitted_on[rest], targets.of(rest))
        for of_table, table in zip(scores, scored, strict=True):
            of_table[mine] = score_stack(known, table[mine], fitted)
    return scores


def as_stack(known: frozenset[str], fitted: Floats, threshold: float) -> Stack:
    """Return fitted numbers as a stack of the model, in four decimals."""
    weights = tuple(round(float(value), 4) for value in fitted[1:])
    return Stack(known, round(float(fitted[0]), 4), weights, rounded_up(threshold))


def rounded_up(threshold: float) -> float:
    """Return a threshold in four decimals that nothing reaches that is under it."""
    return math.ceil(threshold * 1e4) / 1e4


def fit_accounts(user_ids: pd.Series, scores: Floats, family: pd.Series) -> Floats:
    """Return the intercept and the weights of ACCOUNT_INPUTS; `family`: by account, HONEST where it is no bot's."""
    inputs = account_inputs(user_ids, scores)
    of_account = family.reindex(inputs.index)
    lower = np.array([0.0, 0.0, -np.inf])
    return fit_logistic(
        inputs[list(ACCOUNT_INPUTS)].to_numpy(), (of_account != HONEST).to_numpy(), account_weights(of_account), lower
    )
