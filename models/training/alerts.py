"""Train the alerts model: trees over the beginnings of sessions, cut at the looks that the stream takes.

Every look of a session has the label of the whole session. The threshold counts a session once, by the highest score of
its looks: that is how often an honest listener would meet an alert.
"""

import gzip
import json
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from contracts.features import SUSPICION
from contracts.measurable import SOURCE_PATTERNS
from models.errors import ModelError
from models.metrics.intervals import Share, share_by_account
from models.registry.artefact import CARD, MANIFEST, sha256
from models.registry.source_patterns import without_unknown
from models.training.alert_trees import PARAMETERS, AlertTrees, fit_alert_trees
from models.training.alerts_card import render_card
from models.training.source_patterns import COMPLETE
from models.training.splits import SHARES, deal_groups
from runtime.arrays import Bools, Floats

TREES_FILE = "trees.ubj.gz"
MIN_RECALL = 0.2
"""Recall under which an open session says too little for an alert: a choice."""
MAX_FALSE_ALERTS = 0.001
"""Share of the honest sessions with an alert, at most: the upper end of its interval on the calibration block, in each
world that it is from. A population of other habits has more false alerts than the mean of several."""
TRAIN, CALIBRATION, TEST = range(3)
LIBRARIES = ("xgboost-cpu", "numpy", "pandas")


def train_alerts(
    looks: pd.DataFrame, sessions: pd.DataFrame, features: Collection[str], out: Path, *, seed: int, world: str
) -> str:
    """Train, choose thresholds, test, and write the artefact folder `out`. Returns the SHA-256 of its manifest.

    `looks`: `features` and what `fit_alert_trees` needs, a row per look, sorted by session and time. `sessions`:
    session_key, user_id, family, campaign_id, cohort and label (1, 0, NaN), a row per session, also those without a
    look. `world` says where they come from. Accounts of a campaign are all in one block. The same table and seed give
    the same bytes. Raises ModelError.
    """
    rng = np.random.default_rng(seed)
    sessions = sessions.set_index("session_key")
    block = pd.Series(deal_groups(sessions, rng, SHARES), sessions.index)
    require_both_labels(sessions, block, (TRAIN, CALIBRATION, TEST))
    looks = looks.assign(label=looks["session_key"].map(sessions["label"]), block=looks["session_key"].map(block))
    looks["user_id"] = looks["session_key"].map(sessions["user_id"])
    of_training = sessions[(block == TRAIN).to_numpy()]
    trees = fit_alert_trees(looks, of_training, features, (looks["block"] == TRAIN).to_numpy(), rng)
    complete, others = choose_thresholds(trees, sessions, block, rng)
    packed = _packed(trees.booster)
    manifest: dict[str, Any] = {
        "name": out.name,
        "trees_sha256": sha256(packed),
        "features": trees.features,
        "threshold": complete["review"],
        "rounds_of_rows": trees.rounds_of_rows,
        "source_patterns": others,
        "test": complete["test"],
        "calibration": complete["calibration"],
        "max_false_alerts": MAX_FALSE_ALERTS,
        "trained_on": {"world": world, "seed": seed, "blocks": describe_blocks(looks, sessions, block)},
        "parameters": PARAMETERS | {"rounds": trees.booster.num_boosted_rounds()},
        "libraries": {library: version(library) for library in LIBRARIES},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / TREES_FILE).write_bytes(gzip.compress(packed, mtime=0))
    return write_manifest(manifest, out)


def require_both_labels(sessions: pd.DataFrame, block: pd.Series, blocks: Collection[int]) -> None:
    """Raise ModelError where one of the blocks has sessions of one label only."""
    for number in blocks:
        if sessions.loc[(block == number) & sessions["label"].notna(), "label"].nunique() < 2:
            raise ModelError("a block has no positive or no negative session: more accounts or campaigns are needed")


def write_manifest(manifest: Mapping[str, Any], out: Path) -> str:
    """Write a manifest with its card; return its SHA-256."""
    content = json.dumps(manifest, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    (out / MANIFEST).write_bytes(content)
    (out / CARD).write_text(render_card(manifest))
    return sha256(content)


def choose_thresholds(
    trees: AlertTrees, sessions: pd.DataFrame, block: pd.Series, rng: np.random.Generator
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the entry of a complete source, and those of the others: thresholds, and what comes of them.

    `block`: TRAIN, CALIBRATION or TEST by session_key, which indexes `sessions`. Raises ModelError.
    """
    unseen = sessions[(block != TRAIN).to_numpy()]
    looks = trees.looks[trees.looks["session_key"].isin(unseen.index)]
    entries = []
    for name, unknown in _patterns(trees.features).items():
        scores = [_session_scores(trees, looks, unseen, unknown)]
        if name == COMPLETE:
            of_nobody = looks.assign(**dict.fromkeys(trees.of_static, np.nan))
            scores.append(_session_scores(trees, of_nobody, unseen, ()))
        entries.append(_entry(name, unknown, scores, unseen, block[unseen.index], rng))
    complete, *others = entries
    for entry in others:
        del entry["test"]["by_family"]  # they would be most of the file
    if complete["review"] is None:
        raise ModelError("no threshold keeps to the false alerts and finds enough: more accounts or days are needed")
    return complete, others


def _packed(booster: xgboost.Booster) -> bytes:
    """Return trees without the gain of each split, which nothing reads: a seventh smaller, the same scores."""
    model = json.loads(booster.save_raw("json"))
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        tree["loss_changes"] = [0.0] * len(tree["loss_changes"])
    return bytes(xgboost.Booster(model_file=bytearray(json.dumps(model).encode())).save_raw("ubj"))


def _patterns(features: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the kinds of source that lack different features of the model, the complete one first."""
    first: dict[frozenset[str], str] = {frozenset(): COMPLETE}
    for name, unknown in SOURCE_PATTERNS.items():
        lacking = unknown & frozenset(features)
        # the trees that give suspicion were made for looks with all fields
        first.setdefault(lacking | {SUSPICION.name} if lacking else lacking, name)
    return {name: unknown for unknown, name in first.items()}


def _session_scores(
    trees: AlertTrees, looks: pd.DataFrame, sessions: pd.DataFrame, unknown: Collection[str]
) -> pd.Series:
    """Return the highest probability of each session's looks, 0 for a session without any."""
    values = looks[trees.features].to_numpy(dtype=np.float32).copy()
    values[:, np.isin(trees.features, list(unknown))] = np.nan
    matrix = xgboost.DMatrix(values, nthread=1)
    margin: Floats = trees.booster.predict(matrix, output_margin=True).astype(np.float64)
    if unknown:
        contributed = trees.booster.predict(matrix, pred_contribs=True).reshape(len(values), values.shape[1] + 1)[
            :, :-1
        ]
        margin, _ = without_unknown(margin, contributed, trees.features, unknown)
    highest = pd.Series(1 / (1 + np.exp(-margin))).groupby(looks["session_key"].to_numpy()).max()
    return highest.reindex(sessions.index).fillna(0.0)


def _entry(
    name: str,
    unknown: Collection[str],
    scores: Sequence[pd.Series],
    sessions: pd.DataFrame,
    block: pd.Series,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Choose the threshold of a kind of source on the calibration block; measure it on the test block.

    `scores` are of the same sessions: the first as they are, the others as they may be too. The threshold keeps to the
    false alerts for each of them.
    """
    calibration = (block == CALIBRATION).to_numpy()
    chosen = [strictest_threshold(score[calibration], sessions[calibration], rng) for score in scores]
    threshold, share = max(chosen, key=lambda one: one[0])
    score = scores[0]
    is_bot = (sessions["label"] == 1).to_numpy()
    recall = float((score[calibration & is_bot] >= threshold).mean())
    tested = (block == TEST).to_numpy()
    return {
        "name": name,
        "unknown": sorted(unknown),
        "review": threshold if recall >= MIN_RECALL and share.high <= MAX_FALSE_ALERTS else None,
        "filter": None,
        "calibration": _per_thousand(share),
        "test": measure(score[tested], sessions[tested], threshold, rng),
    }


def strictest_threshold(score: pd.Series, sessions: pd.DataFrame, rng: np.random.Generator) -> tuple[float, Share]:
    """Return the lowest threshold that keeps to MAX_FALSE_ALERTS in each world, and its share over all of them.

    The name of its world is before the slash of a user_id, where there is one.
    """
    world = sessions["user_id"].str.rpartition("/")[0].to_numpy()
    chosen = [choose_threshold(score[world == name], sessions[world == name], rng)[0] for name in np.unique(world)]
    is_honest = (sessions["label"] == 0).to_numpy()
    over = score[is_honest] >= max(chosen)
    return max(chosen), share_by_account(sessions.loc[is_honest, "user_id"], over, rng)


def choose_threshold(score: pd.Series, sessions: pd.DataFrame, rng: np.random.Generator) -> tuple[float, Share]:
    """Return the lowest threshold at which the share of honest sessions over it keeps to MAX_FALSE_ALERTS.

    The upper end of its interval by account must. Returns the share too. `score`: the highest of each session's looks.
    """
    is_honest = (sessions["label"] == 0).to_numpy()
    honest, users = score[is_honest], sessions.loc[is_honest, "user_id"]
    distinct = np.unique(honest[honest > 0].to_numpy())[::-1]  # highest first

    def share_from(position: int) -> tuple[float, Share]:
        threshold = float(np.nextafter(distinct[position], np.inf)) if len(distinct) else 1.0
        return threshold, share_by_account(users, honest >= threshold, np.random.default_rng(rng.integers(2**32)))

    low, high = 0, max(len(distinct) - 1, 0)  # the share grows with the position
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if share_from(middle)[1].high <= MAX_FALSE_ALERTS else (low, middle - 1)
    return share_from(low)


def measure(score: pd.Series, sessions: pd.DataFrame, threshold: float, rng: np.random.Generator) -> dict[str, Any]:
    """Measure a threshold: honest sessions with an alert per 1,000, with their interval, and recall by family."""
    over: Bools = (score >= threshold).to_numpy()
    is_honest, is_bot = ((sessions["label"] == label).to_numpy() for label in (0, 1))
    users = sessions.loc[is_honest, "user_id"]
    share = share_by_account(users, pd.Series(over[is_honest], users.index), rng)
    families = pd.Series(over[is_bot]).groupby(sessions.loc[is_bot, "family"].to_numpy()).agg(["mean", "size"])
    return {
        "false_per_1000_honest_sessions": _per_thousand(share),
        "recall": float(over[is_bot].mean()) if is_bot.any() else None,
        "by_family": {
            str(name): {"share": float(row["mean"]), "sessions": int(row["size"])} for name, row in families.iterrows()
        },
    }


def _per_thousand(share: Share) -> dict[str, float | int | None]:
    value = None if share.value is None else 1000 * share.value
    return {"value": value, "low": 1000 * share.low, "high": 1000 * share.high, "sessions": share.n}


def describe_blocks(looks: pd.DataFrame, sessions: pd.DataFrame, block: pd.Series) -> dict[str, dict[str, int]]:
    """Count what each block has. `looks`: block too."""
    counts = {}
    for number, name in enumerate(("train", "calibration", "test")):
        of_block = sessions[(block == number).to_numpy()]
        counts[name] = {
            "accounts": int(of_block["user_id"].nunique()),
            "sessions": len(of_block),
            "bot_sessions": int((of_block["label"] == 1).sum()),
            "looks": int((looks["block"] == number).sum()),
        }
    return counts
