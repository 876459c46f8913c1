"""Fit the fusion on simulated worlds, choose its thresholds out of fold, measure what is left out, write it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.campaigns.group_model import FEATURES
from models.errors import ModelError
from models.fusion.evidence import PARTS
from models.fusion.model import ACCOUNT_INPUTS, Stack, apply_tails, merge_windows
from models.fusion.training.card import render_card
from models.fusion.training.fit import (
    FOLDS,
    MIN_RECALL,
    Targets,
    all_known,
    as_stack,
    evidence_out_of_world,
    fit_accounts,
    fit_stack,
    fit_tails,
    left_out_tails,
    masked_out_of_world,
    out_of_fold,
    rounded_up,
    score_stack,
)
from models.fusion.training.groups import KINDS, account_weights, fit_groups
from models.fusion.training.measure import count_by_cohort, measure, measure_alone, measure_left_out
from models.fusion.training.thresholds import MAX_FALSE_ALARMS, MAX_OF_A_KIND, choose_threshold
from models.fusion.training.worlds import FusionWorld
from models.registry.artefact import CARD, MANIFEST, sha256
from models.training.splits import number_groups
from models.user_days.calibration import PREVALENCE
from runtime.arrays import Floats


def train_fusion(
    worlds: Sequence[FusionWorld],
    out: Path,
    *,
    seed: int,
    world: str,
    fitted_with: dict[str, str],
    odd: Sequence[FusionWorld] = (),
) -> str:
    """Fit on worlds that no detector saw, write the artefact folder `out`; return the SHA-256 of its manifest.

    `fitted_with`: versions of the detectors whose scores it stacks. `odd`: worlds in which odd people are far commoner
    than they are: they count in the weights, not in the probability, and each kind keeps to a bound. Raises ModelError.
    """
    everywhere = [*worlds, *odd]
    days = _account_days(everywhere, len(worlds))
    fitted = days[days["is_fitted"]]
    accounts = fitted.drop_duplicates("user_id").set_index("user_id")
    targets = _targets(days, accounts)
    if not (targets.label == 0).any() or not (targets.label == 1).any():
        raise ModelError("the worlds have no honest account or no paid stream of a bot: simulate scenario field")
    evidence = evidence_out_of_world(everywhere)
    tails = fit_tails(evidence, days["is_usual"].to_numpy())
    shipped = apply_tails(tails, evidence)
    unseen = left_out_tails(everywhere, tails)
    masked = {name: merge_windows(apply_tails(tails, table)) for name, table in masked_out_of_world(everywhere).items()}
    if np.isnan(unseen[targets.label == 1]).all():
        raise ModelError("no world has scores of detectors without the families: run  playproof days train-fusion")
    # honest days by the shipped detectors, which saw none of them; bots' days by detectors that did not know the family
    without_family = np.where((targets.label == 0)[:, None], shipped, unseen)
    seen_parts, fitted_on = merge_windows(shipped), merge_windows(without_family)
    group = number_groups(days["user_id"], days["campaign_id"])
    rng = np.random.default_rng(seed)
    fold = rng.permutation(group.max() + 1)[group] % FOLDS
    patterns: list[dict[str, Any]] = []
    seen, new = np.full(len(days), np.nan), np.full(len(days), np.nan)
    for known in all_known():
        scores, without = out_of_fold(known, fitted_on, (seen_parts, fitted_on), targets, fold)
        weights = fit_stack(known, fitted_on, targets)
        stack = as_stack(known, weights, choose_threshold(scores, days, rng))
        seen, new = np.where(np.isnan(seen), scores, seen), np.where(np.isnan(new), without, new)
        test = measure(days, scores, stack.threshold)
        test["recall_of_new_accounts"] = measure(days, without, stack.threshold)["recall_of_accounts"]
        of_sources = {name: score_stack(known, table, weights) for name, table in masked.items()}
        patterns.append(
            {
                "known": [name for name in PARTS if name in known], "intercept": stack.intercept,
                "weights": stack.weights, "threshold": _or_none(stack.threshold, test), "test": test,
                "sources": _of_sources(stack, of_sources, days, rng),
            }
        )  # fmt: skip
    if patterns[0]["threshold"] is None:
        raise ModelError(
            f"all evidence together finds under {MIN_RECALL:.0%} of the bots' accounts: take larger worlds"
        )
    is_fitted = ~np.isnan(new) & days["is_fitted"].to_numpy()
    account = fit_accounts(days.loc[is_fitted, "user_id"], new[is_fitted], accounts["family"])
    of_group = fit_groups([world.found for world in everywhere])
    at = patterns[0]["threshold"]
    manifest = {
        "name": out.name,
        "tails": {name: asdict(tail) for name, tail in tails.items()},
        "patterns": patterns,
        "account": {
            "intercept": round(float(account[0]), 4),
            "weights": _named(ACCOUNT_INPUTS, account[1:]),
        },
        "groups": {
            "intercepts": _named(KINDS, of_group[0] + of_group[1 : 1 + len(KINDS)]),
            "slopes": _named(FEATURES, of_group[1 + len(KINDS) :]),
            "found": {kind: _groups_of(everywhere, kind) for kind in KINDS},
        },
        "prevalence": PREVALENCE,
        "max_false_alarms": MAX_FALSE_ALARMS,
        "max_of_a_kind": MAX_OF_A_KIND,
        "fitted_with": fitted_with,
        "trained_on": {
            "worlds": world, "seed": seed, "account_days": len(fitted), "accounts": len(accounts),
            "bots": int((accounts["family"] != HONEST).sum()), "odd_days": len(days) - len(fitted),
        },
        "families": measure_left_out(days, fitted_on, targets, seen, rng),
        "alone": measure_alone(days, shipped, without_family, seen >= at, new >= at),
        "false_alarms_by_cohort": count_by_cohort(days, seen >= at),
    }  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    content = json.dumps(manifest, indent=1, allow_nan=False).encode() + b"\n"
    (out / MANIFEST).write_bytes(content)
    (out / CARD).write_text(render_card(manifest))
    return sha256(content)


def _account_days(worlds: Sequence[FusionWorld], n_fitted: int) -> pd.DataFrame:
    """Return the account-days of all worlds with is_fitted, whether they are of the first ones, and is_usual."""
    parts = [
        world.days.assign(user_id=f"{number} " + world.days["user_id"], is_fitted=number < n_fitted)
        for number, world in enumerate(worlds)
    ]
    days = pd.concat(parts, ignore_index=True)
    return days.assign(is_usual=(days["family"] == HONEST) & days["is_fitted"])


def _targets(days: pd.DataFrame, accounts: pd.DataFrame) -> Targets:
    """Return what the stacks are fitted to; the honest days of odd worlds weigh as much in sum as the usual ones."""
    of_account = pd.Series(account_weights(accounts["family"]), accounts.index)
    natural: Floats = np.asarray(days["user_id"].map(of_account).fillna(0.0), dtype=np.float64)
    usual, paid = days["is_usual"].to_numpy(), (days["paid_streams"] > 0).to_numpy()
    odd = (days["family"] == HONEST).to_numpy() & ~usual
    weight = np.where(odd, natural[usual].sum() / max(odd.sum(), 1), natural)
    label = np.select([usual | odd, paid & days["is_fitted"].to_numpy()], [0.0, 1.0], np.nan)
    return Targets(label, weight, natural)


def _of_sources(
    stack: Stack, scores: Mapping[str, Floats], days: pd.DataFrame, rng: np.random.Generator
) -> dict[str, dict[str, Any]]:
    """Return by kind of source that can tell all of the stack's evidence its threshold, and what comes of it."""
    entries = {}
    for name, of_source in scores.items():
        if not np.isnan(of_source).all():
            threshold = rounded_up(choose_threshold(of_source, days, rng))
            test = measure(days, of_source, threshold)
            entries[name] = {"threshold": _or_none(threshold, test)} | test
    return entries


def _or_none(threshold: float, test: Mapping[str, Any]) -> float | None:
    """Return a threshold, None where it finds too few of the bots' accounts to suspect anybody."""
    return threshold if (test["recall_of_accounts"] or 0.0) >= MIN_RECALL else None


def _named(names: Sequence[str], values: Floats) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}


def _groups_of(worlds: Sequence[FusionWorld], kind: str) -> dict[str, int]:
    """Count the groups of a kind, and their members by truth."""
    groups, bots, people = 0, 0, 0
    for world in worlds:
        is_kind = world.found.table["kind"] == kind
        members = world.found.members()
        members = members[members["group"].isin(is_kind.index[is_kind])]
        groups, bots = groups + int(is_kind.sum()), bots + int(members["is_bot"].sum())
        people += int((~members["is_bot"]).sum())
    return {"groups": groups, "bots": bots, "people": people}
