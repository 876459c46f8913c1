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
from models.account_windows.trees import LENGTH, TREES_FILE, neutral_scores
from models.errors import ModelError
from models.metrics.intervals import wilson
from models.registry.artefact import CARD, MANIFEST, sha256
from models.training.splits import SHARES, number_groups
from models.user_days.calibration import PREVALENCE
from runtime.arrays import Bools, Floats, Ints

FEATURES = (*WINDOW_FEATURE_NAMES, LENGTH)
BETWEEN_ACCOUNTS_NAMES = tuple(feature.name for feature in BETWEEN_ACCOUNTS)
PARAMETERS: dict[str, Any] = {
    "objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.3,
    "min_child_weight": 4, "tree_method": "hist", "nthread": 1,
}  # fmt: skip
ROUNDS = 150
MAX_FALSE_ALARMS = 0.003
"""Share of the honest windows that a threshold may flag: a choice."""
MAX_OF_A_KIND = 0.006
"""Share of the windows of one kind of odd people that it may flag, at most: a choice, as for sessions."""
MIN_RECALL = 0.15
"""Recall under which a score says too little to flag anybody: a choice."""
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
    entries = [_entry(name, unknown, booster, windows, known, block, kinds) for name, unknown in patterns.items()]
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


def _entry(
    name: str,
    unknown: Collection[str],
    booster: xgboost.Booster,
    windows: pd.DataFrame,
    known: Bools,
    block: Ints,
    kinds: pd.DataFrame | None,
) -> dict[str, Any]:
    """Choose the threshold of a kind of source on the calibration block; measure it on the test block."""
    log_odds, _ = neutral_scores(booster, windows, FEATURES, unknown)
    honest, positive = (windows["label"] == 0).to_numpy(), (windows["label"] == 1).to_numpy()
    threshold = float(np.quantile(log_odds[honest & (block == CALIBRATION)], 1 - MAX_FALSE_ALARMS, method="higher"))
    threshold = float(np.nextafter(threshold, np.inf))
    if kinds is not None:
        scores = pd.Series(neutral_scores(booster, kinds, FEATURES, unknown)[0])
        of_kind = scores.groupby(kinds["cohort"].to_numpy()).quantile(1 - MAX_OF_A_KIND, interpolation="higher")
        threshold = max(threshold, float(np.nextafter(of_kind.max(), np.inf)))
    recall = float((log_odds[positive & (block == CALIBRATION)] >= threshold).mean())
    tested = known & (block == TEST)
    alarms, n = int((log_odds[tested & honest] >= threshold).sum()), int((tested & honest).sum())
    low, high = wilson(alarms, n)
    found = float((log_odds[tested & positive] >= threshold).mean())
    caught, accused = PREVALENCE * found, (1 - PREVALENCE) * alarms / n
    return {
        "name": name,
        "unknown": sorted(unknown),
        "review": threshold if recall >= MIN_RECALL else None,
        "filter": None,
        "precision": caught / max(caught + accused, 1e-9),
        "test": {
            "honest_windows": n,
            "false_alarms_per_100": {"value": 100 * alarms / n, "low": 100 * low, "high": 100 * high},
            "recall": found,
            "auc": _auc(log_odds[tested], positive[tested]),
        },
    }


def _auc(score: Floats, positive: Bools) -> float:
    """Return the area under the ROC curve."""
    rank = pd.Series(score).rank().to_numpy()
    n, hits = len(score), int(positive.sum())
    return float((rank[positive].sum() - hits * (hits + 1) / 2) / max(hits * (n - hits), 1))


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


def _odd_lines(windows: int) -> list[str]:
    if not windows:
        return []
    return [
        f"And {windows:,} windows of a world with many odd people of every kind: half of the accounts are trained on;",
        f"of the honest windows of the others each kind may have {MAX_OF_A_KIND:.1%} over the thresholds below.",
        "",
    ]


def render_card(manifest: dict[str, Any]) -> str:
    """Render the model card of a manifest as Markdown."""
    trained = manifest["trained_on"]
    lines = [
        f"# Model card: {manifest['name']}",
        "",
        "Gives a window of 7 or 28 days of an account the log-odds that a bot listened in it: gradient-boosted trees",
        f"(XGBoost, depth {manifest['parameters']['max_depth']}, {manifest['parameters']['rounds']} rounds) on "
        f"{len(manifest['features'])} features.",
        "",
        "## Use",
        "- **For**: ranking accounts for an analyst by what adds up over weeks, and by what other accounts do too.",
        "- **Not for**: closing an account or withholding a royalty without a person.",
        "",
        "## Data",
        f"Synthetic: {trained['world']}, seed {trained['seed']}; {trained['windows']:,} windows. Blocks differ in",
        "accounts and campaigns, not in time. A window is positive with a paid stream in it. Every window also comes",
        "masked, as the kinds of source that lack fields.",
        "",
        "| block | windows | positive |",
        "|---|---|---|",
        *(f"| {name} | {b['windows']:,} | {b['positives']:,} |" for name, b in trained["blocks"].items()),
        "",
        *_odd_lines(trained.get("odd_windows", 0)),
        "## Kinds of source",
        f"Threshold: at most {MAX_FALSE_ALARMS:.1%} of the honest windows of the calibration block. Measured on the",
        "test block.",
        f"Precision: with {PREVALENCE:.1%} of the windows bots'. `–`: the recall is too low to flag any.",
        "`_no_zone`: without a time zone. `_unscored`: no session was scored. `_alone`: too few accounts to compare",
        "with. Kinds that lack the same features are one.",
        "",
        "| source | features unknown | threshold | false alarms per 100 windows | recall | AUC | precision |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in manifest["source_patterns"]:
        test, alarms = entry["test"], entry["test"]["false_alarms_per_100"]
        threshold = "–" if entry["review"] is None else f"{entry['review']:.2f}"
        lines.append(
            f"| {entry['name']} | {len(entry['unknown'])} | {threshold} | {alarms['value']:.2f} [{alarms['low']:.2f}, "
            f"{alarms['high']:.2f}] | {test['recall']:.3f} | {test['auc']:.3f} "
            f"| {entry['precision']:.2f} |"
        )
    lines += [
        "",
        "## Recall by family",
        "Of windows of the test block, all fields known.",
        "",
        "| family | windows | share |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {e['windows']:,} | {e['share']:.3f} |" for name, e in manifest["recall_by_family"].items()]
    versions = ", ".join(f"{name} {number}" for name, number in manifest["libraries"].items())
    return "\n".join([*lines, "", f"## Versions\n{versions}"]) + "\n"
