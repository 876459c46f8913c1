"""Train the model of categories on the days of simulated bots, and measure it on accounts that it never saw."""

import gzip
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from contracts.labels import CATEGORIES, FAMILIES
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.errors import ModelError
from models.metrics.intervals import Share, share_by_account
from models.registry.artefact import CARD, MANIFEST, sha256
from models.training.splits import number_groups
from models.user_days.by_rules import feature_matrix
from models.user_days.categories import TREES_FILE, CategoryModel, name_categories
from runtime.arrays import Bools

PARAMETERS: dict[str, Any] = {
    "objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.5,
    "min_child_weight": 2, "tree_method": "hist", "nthread": 1,
}  # fmt: skip
ROUNDS, TEST_SHARE = 60, 0.3


def category_tags(family: pd.Series) -> Bools:
    """Return (days, CATEGORIES): the categories of each day's family.

    >>> category_tags(pd.Series(["farm", "content_ripper"])).tolist()
    [[False, True, True], [True, False, False]]
    """
    return np.array([[category in FAMILIES[name].categories for category in CATEGORIES] for name in family])


def train_categories(labelled: pd.DataFrame, out: Path, *, seed: int, world: str) -> str:
    """Train on the positive days of labelled user-days, write the artefact; return the SHA-256 of its manifest.

    `labelled`: table user_days with `models.labels.truth.label_user_days`, of one or several worlds. Campaigns are
    either trained on or tested on, whole. Raises ModelError where a category has no campaign to test on.
    """
    rng = np.random.default_rng(seed)
    days = labelled[labelled["label"] == 1].reset_index(drop=True)
    group = number_groups(days["user_id"], days["campaign_id"])
    family_of = pd.Series(days["family"].to_numpy()).groupby(group).first()
    is_test = np.zeros(len(family_of), dtype=bool)
    for members in family_of.groupby(family_of).groups.values():  # each family is in both parts
        order = rng.permutation(np.asarray(members))
        is_test[order[: round(TEST_SHARE * len(order))]] = True
    test = is_test[group]
    tags = category_tags(days["family"])
    if not (tags[test].any(axis=0) & tags[~test].any(axis=0)).all():
        raise ModelError(f"a category of {', '.join(CATEGORIES)} has too few campaigns: take more accounts")
    booster = _fit(days[~test], tags[~test], seed)
    measured = _measure(CategoryModel(booster, USER_DAY_FEATURE_NAMES), days[test], tags[test], rng)
    trees = bytes(_fit(days, tags, seed).save_raw("ubj"))
    return _write(out, trees, days, tags, measured, seed, world)


def _fit(days: pd.DataFrame, tags: Bools, seed: int) -> xgboost.Booster:
    matrix = xgboost.DMatrix(feature_matrix(days, USER_DAY_FEATURE_NAMES), tags.astype(np.float64))
    return xgboost.train({**PARAMETERS, "seed": seed}, matrix, ROUNDS)


def _measure(model: CategoryModel, days: pd.DataFrame, tags: Bools, rng: np.random.Generator) -> dict[str, Any]:
    named = [name_categories(row) for row in model.probabilities(days)]
    predicted = np.array([[category in names for category in CATEGORIES] for names in named])

    def share(hits: Bools, of: Bools) -> dict[str, Any]:
        return share_by_account(days.loc[of, "user_id"], pd.Series(hits[of]), rng).as_dict()

    every = np.ones(len(days), dtype=bool)
    return {
        "exact_match": share((predicted == tags).all(axis=1), every),
        "recall": {name: share(predicted[:, c], tags[:, c]) for c, name in enumerate(CATEGORIES)},
        "precision": {name: share(tags[:, c], predicted[:, c]) for c, name in enumerate(CATEGORIES)},
    }


def _write(
    out: Path, trees: bytes, days: pd.DataFrame, tags: Bools, measured: dict[str, Any], seed: int, world: str
) -> str:
    out.mkdir(parents=True, exist_ok=True)
    (out / TREES_FILE).write_bytes(gzip.compress(trees, mtime=0))
    manifest = {
        "name": out.name,
        "trees_sha256": sha256(trees),
        "features": list(USER_DAY_FEATURE_NAMES),
        "trained_on": {
            "world": world,
            "seed": seed,
            "days": len(days),
            "accounts": int(days["user_id"].nunique()),
            "by_category": dict(zip(CATEGORIES, map(int, tags.sum(axis=0)), strict=True)),
        },
        "trees": {**PARAMETERS, "rounds": ROUNDS},
        "libraries": {name: version(name) for name in ("xgboost-cpu", "numpy", "pandas")},
        "test": measured,
    }
    content = json.dumps(manifest, indent=1, allow_nan=False).encode() + b"\n"
    (out / MANIFEST).write_bytes(content)
    (out / CARD).write_text(render_card(manifest))
    return sha256(content)


def render_card(manifest: dict[str, Any]) -> str:
    """Render the card of a manifest as Markdown."""
    trained, test = manifest["trained_on"], manifest["test"]
    by_category = ", ".join(f"{name} {count:,}" for name, count in trained["by_category"].items())

    def cell(share: dict[str, Any]) -> str:
        return f"{Share(**share)} of {share['n']:,}"

    rows = [f"| {name} | {cell(test['recall'][name])} | {cell(test['precision'][name])} |" for name in CATEGORIES]
    return "\n".join(
        [
            f"# Model card: {manifest['name']}",
            "",
            "Names the kind of abuse of a user-day that the detectors suspect: content (copies), service (bought or",
            "automatic streams), account (hijacked, shared or sold). It does not say whether a day is a bot's.",
            "",
            "- **For**: the words next to a suspected account, so that an analyst knows where to look.",
            "- **Not for**: suspecting anybody; imports without devices and activity, which get no category.",
            "",
            f"Trained on {trained['days']:,} days of {trained['accounts']:,} simulated bot accounts",
            f"({trained['world']}, seed {trained['seed']}): {by_category}.",
            "A label is the category of the bot that was simulated. The figures below come from a model that never saw",
            f"the campaigns it is tested on ({TEST_SHARE:.0%} of each family's); the shipped one is trained on all.",
            "Bots of other kinds than these are not in the figures.",
            "",
            f"All categories right: {cell(test['exact_match'])} days. Intervals: 95 %, by account.",
            "",
            "| category | recall | precision |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )
