"""Train the trees of the account windows on a simulated world, with masked copies, and choose a threshold by source."""

import gzip
import json
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from contracts.account_windows import BETWEEN_ACCOUNTS, OF_SESSIONS, WINDOW_FEATURE_NAMES
from contracts.measurable import SOURCE_PATTERNS
from models.account_windows.card import render_card
from models.account_windows.thresholds import threshold_entry
from models.account_windows.trees import LENGTH, TREES_FILE, neutral_scores
from models.errors import ModelError
from models.registry.artefact import CARD, MANIFEST, sha256
from models.training.splits import SHARES, number_groups
from runtime.arrays import Bools, Floats, Ints

FEATURES = (*WINDOW_FEATURE_NAMES, LENGTH)
BETWEEN_ACCOUNTS_NAMES = tuple(feature.name for feature in BETWEEN_ACCOUNTS)
PARAMETERS: dict[str, Any] = {
    "objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.3,
    "min_child_weight": 4, "tree_method": "hist", "nthread": 1,
}  # fmt: skip
ROUNDS = 150
TRAIN, CALIBRATION, TEST = 0, 1, 2
LIBRARIES = ("xgboost-cpu", "numpy", "pandas")


def window_patterns() -> dict[str, frozenset[str]]:
    """Return the kinds of source with the features of a window that each lacks, the first of those that lack the same.

    `_no_zone`: without a time zone. `_unscored`: no session was scored. `_alone`: too few accounts to compare with.
    """
    patterns = {name: unknown & {*WINDOW_FEATURE_NAMES} for name, unknown in SOURCE_PATTERNS.items()}
    for suffix, more in (("_unscored", OF_SESSIONS), ("_alone", BETWEEN_ACCOUNTS_NAMES)):
        patterns |= {f"{name}{suffix}": unknown | {*more} for name, unknown in patterns.items()}
    first: dict[frozenset[str], str] = {}
    for name, unknown in patterns.items():
        first.setdefault(frozenset(unknown), name)
    return {name: unknown for unknown, name in first.items()}


def train_windows(
    windows: pd.DataFrame,
    accounts: pd.DataFrame,
    out: Path,
    *,
    seed: int,
    world: str,
    odd: tuple[pd.DataFrame, pd.DataFrame] | None = None,
) -> str:
    """Train on labelled windows and write the artefact folder `out`; return the SHA-256 of its manifest.

    `windows`: table account_windows with label (1, 0, NaN) and family; `accounts`: user_id, campaign_id. A campaign's
    accounts are all in one block. `odd`: both of a world in which odd people are far commoner than they are, with the
    cohort of an account. Half of its accounts are trained on; of the honest ones of the other half each kind keeps to a
    bound. Raises ModelError.
    """
    rng = np.random.default_rng(seed)
    block = _deal(windows, accounts, rng)
    known = windows["label"].notna().to_numpy()
    for number in (TRAIN, CALIBRATION, TEST):
        if windows.loc[known & (block == number), "label"].nunique() < 2:
            raise ModelError("a block has no positive or no negative window: more accounts or campaigns are needed")
    patterns = window_patterns()
    learned, kinds = windows[known & (block == TRAIN)], None
    if odd is not None:
        odd_windows, people = odd
        is_learned = _deal(odd_windows, people, rng) == TRAIN
        learned = pd.concat([learned, odd_windows[is_learned & odd_windows["label"].notna()]], ignore_index=True)
        kinds = odd_windows[~is_learned & (odd_windows["label"] == 0)]
        kinds = kinds.assign(cohort=kinds["user_id"].map(people.set_index("user_id")["cohort"]))
    booster = _fit(learned, patterns, rng, seed)

    def score(rows: pd.DataFrame, unknown: Collection[str]) -> Floats:
        return neutral_scores(booster, rows, FEATURES, unknown)[0]

    calibration, test = windows[known & (block == CALIBRATION)], windows[known & (block == TEST)]
    entries = [threshold_entry(name, unknown, score, calibration, test, kinds) for name, unknown in patterns.items()]
    return _write(out, booster, entries, windows, known, block, seed, world, 0 if odd is None else len(odd[0]))


def _deal(windows: pd.DataFrame, accounts: pd.DataFrame, rng: np.random.Generator) -> Ints:
    """Deal whole campaigns, within each family, to the blocks."""
    of_account = accounts.set_index("user_id")["campaign_id"]
    group = number_groups(windows["user_id"], windows["user_id"].map(of_account))
    block = np.full(len(windows), TEST, dtype=np.int64)
    for family in sorted(windows["family"].unique()):
        rows = np.flatnonzero(windows["family"] == family)
        groups = np.unique(group[rows])
        position = (rng.permutation(len(groups)) + 0.5) / len(groups)
        of_group = np.searchsorted(np.cumsum(SHARES)[:-1], position, side="right")
        block[rows] = of_group[np.searchsorted(groups, group[rows])]
    return block


def _fit(
    windows: pd.DataFrame, patterns: dict[str, frozenset[str]], rng: np.random.Generator, seed: int
) -> xgboost.Booster:
    users, names = pd.factorize(windows["user_id"])
    values = windows[list(FEATURES)].to_numpy(dtype=np.float32)
    masks = np.stack([np.isin(FEATURES, list(unknown)) for unknown in patterns.values()])
    copies = [values]
    for _ in range(2):
        masked = values.copy()
        masked[masks[rng.integers(len(masks), size=len(names))][users]] = np.nan
        copies.append(masked)
    label = np.tile(windows["label"].to_numpy(dtype=np.float32), len(copies))
    matrix = xgboost.DMatrix(np.vstack(copies), label=label, nthread=1)
    return xgboost.train(PARAMETERS | {"seed": seed}, matrix, ROUNDS)


def _write(
    out: Path,
    booster: xgboost.Booster,
    entries: list[dict[str, Any]],
    windows: pd.DataFrame,
    known: Bools,
    block: Ints,
    seed: int,
    world: str,
    odd_windows: int,
) -> str:
    trees = bytes(booster.save_raw("ubj"))
    honest = windows[known & (block == TRAIN) & (windows["label"] == 0).to_numpy()]
    usual = [float(value) if np.isfinite(value) else None for value in honest[list(FEATURES)].median()]
    tested = windows[known & (block == TEST)]
    scores, _ = neutral_scores(booster, tested, FEATURES, ())
    complete = next(entry for entry in entries if entry["name"] == "complete")
    over = scores >= (np.inf if complete["review"] is None else complete["review"])
    by_family = pd.Series(over).groupby(tested["family"].where(tested["label"] == 1).to_numpy()).agg(["mean", "size"])
    manifest = {
        "name": out.name,
        "trees_sha256": sha256(trees),
        "features": list(FEATURES),
        "usual": usual,
        "source_patterns": entries,
        "trained_on": {
            "world": world,
            "seed": seed,
            "windows": len(windows),
            "odd_windows": odd_windows,
            "blocks": {
                name: {
                    "windows": int((known & (block == i)).sum()),
                    "positives": int((windows["label"][block == i] == 1).sum()),
                }
                for i, name in enumerate(("train", "calibration", "test"))
            },
        },
        "recall_by_family": {
            str(name): {"share": float(row["mean"]), "windows": int(row["size"])} for name, row in by_family.iterrows()
        },
        "parameters": PARAMETERS | {"rounds": ROUNDS},
        "libraries": {library: version(library) for library in LIBRARIES},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / TREES_FILE).write_bytes(gzip.compress(trees, mtime=0))
    content = json.dumps(manifest, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    (out / MANIFEST).write_bytes(content)
    (out / CARD).write_text(render_card(manifest))
    return sha256(content)
