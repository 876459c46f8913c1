"""Fit the fusion on simulated worlds, choose its thresholds out of fold, measure what is left out, write it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from contracts.labels import HONEST, MECHANISMS
from models.campaigns.group_model import FEATURES
from models.errors import ModelError
from models.fusion.evidence import EVIDENCE, PARTS
from models.fusion.model import ACCOUNT_INPUTS, apply_tails
from models.fusion.training.card import render_card
from models.fusion.training.fit import (
    FOLDS,
    MAX_FALSE_ALARMS,
    MIN_RECALL,
    all_known,
    as_stack,
    evidence_out_of_world,
    fit_accounts,
    fit_stack,
    fit_tails,
    left_out_tails,
    masked_out_of_world,
    out_of_fold,
    score_stack,
    threshold_of,
)
from models.fusion.training.groups import KINDS, account_weights, fit_groups
from models.fusion.training.worlds import FusionWorld
from models.metrics.intervals import wilson
from models.registry.artefact import CARD, MANIFEST, sha256
from models.training.splits import number_groups
from models.user_days.calibration import PREVALENCE
from runtime.arrays import Bools, Floats

COMPLETE = frozenset(PARTS)


def train_fusion(
    worlds: Sequence[FusionWorld], out: Path, *, seed: int, world: str, fitted_with: dict[str, str]
) -> str:
    """Fit on worlds that no detector saw, write the artefact folder `out`; return the SHA-256 of its manifest.

    `fitted_with`: versions of the detectors whose scores it stacks. Raises ModelError.
    """
    days = pd.concat(
        [w.days.assign(user_id=f"{i} " + w.days["user_id"]) for i, w in enumerate(worlds)], ignore_index=True
    )
    accounts = days.drop_duplicates("user_id").set_index("user_id")
    is_honest = (days["family"] == HONEST).to_numpy()
    of_account = pd.Series(account_weights(accounts["family"]), accounts.index)
    weight: Floats = np.asarray(days["user_id"].map(of_account), dtype=np.float64)
    paid = (days["paid_streams"] > 0).to_numpy()
    label = np.select([is_honest, paid], [0.0, 1.0], np.nan)
    if not (label == 0).any() or not (label == 1).any():
        raise ModelError("the worlds have no honest account or no paid stream of a bot: simulate scenario field")
    evidence = evidence_out_of_world(worlds)
    tails = fit_tails(evidence, is_honest)
    shipped = apply_tails(tails, evidence)
    unseen = left_out_tails(worlds, tails)
    masked = {name: apply_tails(tails, table) for name, table in masked_out_of_world(worlds).items()}
    if np.isnan(unseen[label == 1]).all():
        raise ModelError("no world has scores of detectors without the families: run  playproof days train-fusion")
    # honest days by the shipped detectors, which saw none of them; bots' days by detectors that did not know the family
    fitted_on = np.where(is_honest[:, None], shipped, unseen)
    group = number_groups(days["user_id"], days["campaign_id"])
    fold = np.random.default_rng(seed).permutation(group.max() + 1)[group] % FOLDS
    patterns: list[dict[str, Any]] = []
    seen, new = np.full(len(days), np.nan), np.full(len(days), np.nan)
    for known in all_known():
        scores, without = out_of_fold(known, fitted_on, (shipped, fitted_on), label, weight, fold)
        fitted = fit_stack(known, fitted_on, label, weight)
        of_masks = {name: score_stack(known, table, fitted) for name, table in masked.items()}
        threshold = max(threshold_of(table, is_honest) for table in (scores, *of_masks.values()))
        stack = as_stack(known, fitted, threshold)
        seen, new = np.where(np.isnan(seen), scores, seen), np.where(np.isnan(new), without, new)
        test = _test(days, scores, stack.threshold)
        test["recall_of_new_accounts"] = _test(days, without, stack.threshold)["recall_of_accounts"]
        test["masked_per_100"] = {
            name: _test(days, table, stack.threshold)["false_alarms_per_100"]["value"]
            for name, table in of_masks.items()
            if not np.isnan(table).all()
        }
        says_enough = (test["recall_of_accounts"] or 0.0) >= MIN_RECALL
        patterns.append(
            {
                "known": [name for name in PARTS if name in known], "intercept": stack.intercept,
                "weights": stack.weights, "threshold": stack.threshold if says_enough else None, "test": test,
            }
        )  # fmt: skip
    if patterns[0]["threshold"] is None:
        raise ModelError(
            f"all evidence together finds under {MIN_RECALL:.0%} of the bots' accounts: take larger worlds"
        )
    is_fitted = ~np.isnan(new)
    account = fit_accounts(days.loc[is_fitted, "user_id"], new[is_fitted], accounts["family"])
    of_group = fit_groups([world.found for world in worlds])
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
            "found": {kind: _groups_of(worlds, kind) for kind in KINDS},
        },
        "prevalence": PREVALENCE,
        "max_false_alarms": MAX_FALSE_ALARMS,
        "fitted_with": fitted_with,
        "trained_on": {
            "worlds": world, "seed": seed, "account_days": len(days), "accounts": len(accounts),
            "bots": int((accounts["family"] != HONEST).sum()),
        },
        "families": _left_out(days, fitted_on, label, weight, is_honest, seen),
        "alone": _alone(days, shipped, fitted_on, seen >= patterns[0]["threshold"], new >= patterns[0]["threshold"]),
        "false_alarms_by_cohort": _by_cohort(days, seen, patterns[0]["threshold"]),
    }  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    content = json.dumps(manifest, indent=1, allow_nan=False).encode() + b"\n"
    (out / MANIFEST).write_bytes(content)
    (out / CARD).write_text(render_card(manifest))
    return sha256(content)


def _named(names: Sequence[str], values: Floats) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}


def _test(days: pd.DataFrame, scores: Floats, threshold: float) -> dict[str, Any]:
    """Measure a threshold out of fold: false alarms among honest account-days, recall of days and of accounts."""
    known, over = ~np.isnan(scores), scores >= threshold
    honest = known & (days["family"] == HONEST).to_numpy()
    positive = known & (days["paid_streams"] > 0).to_numpy() & ~honest
    alarms, n = int((over & honest).sum()), int(honest.sum())
    low, high = wilson(alarms, n)
    return {
        "honest_days": n,
        "false_alarms_per_100": {"value": 100 * alarms / max(n, 1), "low": 100 * low, "high": 100 * high},
        "recall_of_days": float(over[positive].mean()) if positive.any() else None,
        "recall_of_accounts": _accounts_found(days, over, positive)[0],
    }


def _accounts_found(days: pd.DataFrame, over: Bools, positive: Bools) -> tuple[float | None, int]:
    """Return the share of accounts with a positive day that are flagged on one, and their number."""
    by_account = pd.Series(over[positive]).groupby(days["user_id"].to_numpy()[positive]).max()
    return (float(by_account.mean()), len(by_account)) if len(by_account) else (None, 0)


def _left_out(
    days: pd.DataFrame, tails: Floats, label: Floats, weight: Floats, is_honest: Bools, seen: Floats
) -> dict[str, dict[str, Any]]:
    """Return by family the share of its accounts found: by all that ships, without the family, without its mechanism.

    Without: by weights, groups and detectors that did not know the family; of its mechanism, weights only.
    """
    family, paid = days["family"].to_numpy(), (days["paid_streams"] > 0).to_numpy()
    results: dict[str, dict[str, Any]] = {}
    mechanism_of = {name: members for members in MECHANISMS.values() for name in members}

    def without(names: Sequence[str]) -> Floats:
        kept = ~np.isin(family, names)
        return score_stack(COMPLETE, tails, fit_stack(COMPLETE, tails[kept], label[kept], weight[kept]))

    by_mechanism = {members: without(members) for members in MECHANISMS.values()}
    for name in sorted(set(family) - {HONEST}):
        entry: dict[str, Any] = {}
        of_mechanism = by_mechanism[mechanism_of[name]] if name in mechanism_of else without([name])
        for view, scores in (("seen", seen), ("left_out", without([name])), ("mechanism_out", of_mechanism)):
            over, is_scored = scores >= threshold_of(scores, is_honest), ~np.isnan(scores)
            share, accounts = _accounts_found(days, over, (family == name) & paid & is_scored)
            entry[view] = share
            entry["accounts"] = max(accounts, entry.get("accounts", 0))
        results[str(name)] = entry
    return results


def _alone(days: pd.DataFrame, shipped: Floats, unseen: Floats, seen_over: Bools, new_over: Bools) -> dict[str, Any]:
    """Return by evidence the bots' accounts that it flags by itself at MAX_FALSE_ALARMS, and how many the stack flags.

    `seen`: by the shipped detectors; `new`: by detectors that did not know the family.
    """
    honest, paid = (days["family"] == HONEST).to_numpy(), (days["paid_streams"] > 0).to_numpy()
    users = days["user_id"].to_numpy()
    results: dict[str, Any] = {}
    for column, name in enumerate(EVIDENCE):
        at = threshold_of(shipped[:, column], honest)
        entry = {}
        for view, tails, over in (("seen", shipped, seen_over), ("new", unseen, new_over)):
            flagged = paid & ~honest & (tails[:, column] >= at)
            entry[view] = {
                "flagged": len(np.unique(users[flagged])),
                "kept": len(np.intersect1d(users[flagged], users[paid & ~honest & over])),
            }
        results[name] = entry
    return results


def _by_cohort(days: pd.DataFrame, scores: Floats, threshold: float) -> dict[str, dict[str, Any]]:
    """Return false alarms by kind of honest listener: account-days and how many are flagged."""
    honest = days[days["family"] == HONEST].assign(over=scores[(days["family"] == HONEST).to_numpy()] >= threshold)
    counted = honest.groupby(honest["cohort"].fillna("regular"))["over"].agg(["size", "sum"])
    return {str(name): {"days": int(row["size"]), "flagged": int(row["sum"])} for name, row in counted.iterrows()}


def _groups_of(worlds: Sequence[FusionWorld], kind: str) -> dict[str, int]:
    """Count the groups of a kind, and their members by truth."""
    groups, bots, people = 0, 0, 0
    for world in worlds:
        is_kind = world.found.table["kind"] == kind
        members = world.found.members()
        members = members[members["group"].map(is_kind)]
        groups, bots = groups + int(is_kind.sum()), bots + int(members["is_bot"].sum())
        people += int((~members["is_bot"]).sum())
    return {"groups": groups, "bots": bots, "people": people}
