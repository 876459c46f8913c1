"""The stack: one logistic regression for each set of detectors that is known, and one from days to the account.

Each detector's score becomes a tail among honest account-days (`tails`). The strongest of these has a weight, whichever
detector it is of, the second strongest another, and so on: no detector is trusted more because it knew the bots of the
training best. More evidence never lowers the result, since no weight is under 0. The windows of 7 and 28 days are one
piece of evidence (`merge_windows`).

The artefact is `artifacts/account_fusion/manifest.json`: weights, thresholds and what they were fitted on; its SHA-256
is in `models/registry/champions.py`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from contracts.measurable import SOURCE_PATTERNS
from models.campaigns.group_model import GroupModel
from models.errors import ModelError
from models.fusion.evidence import EVIDENCE, MONTH, PARTS, WEEK
from models.fusion.tails import Tail
from models.registry.artefact import ARTIFACTS, MANIFEST, read_manifest
from models.registry.champions import CHAMPIONS, FUSION_CHAMPIONS, USER_DAY_CHAMPIONS, WINDOW_CHAMPIONS
from models.registry.source_patterns import SourcePattern, choose_pattern
from models.user_days.hybrid import FLAG
from models.user_days.trees import as_score
from runtime.arrays import Bools, Floats

SHIPPED_FUSION = ARTIFACTS / "account_fusion"
REQUIRED = {"name": str, "tails": dict, "patterns": list, "account": dict, "groups": dict}
COMPLETE = "complete"
ACCOUNT_INPUTS = ("highest", "mean_of_3", "log_days")
"""Log-odds of the account's highest day, mean of its three highest, log of its number of days."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Weights for one set of PARTS: log-odds = intercept + Σ weight × evidence, the strongest evidence first."""

    known: frozenset[str]
    intercept: float
    weights: tuple[float, ...]
    """By rank."""
    threshold: float
    """Log-odds from which an account-day is suspected; infinite where these parts say too little."""
    by_source: Mapping[str, float] = field(default_factory=dict)
    """The same of sources that lack fields, by the kind of source."""

    def threshold_of(self, source: str | None) -> float:
        """Return the threshold of a kind of source (`source_of`); of one that is like none, the strictest."""
        if source in (COMPLETE, *self.by_source):
            return self.by_source.get(str(source), self.threshold)
        return max([self.threshold, *self.by_source.values()])


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the stack says of account-days, by row."""

    log_odds: Floats
    probability: Floats
    """That the day is a bot's, at natural prevalence."""
    score: Floats
    """Between 0 and 1; 0.5 is the threshold of what is known of the day."""
    pushes: pd.DataFrame
    """What each piece of evidence adds to the log-odds; 0 where it is missing."""

    @property
    def is_suspected(self) -> Bools:
        return self.score >= FLAG


@dataclass(frozen=True, slots=True)
class FusionModel:
    """A verified fusion: `stacks` by what is known, `account` weights of ACCOUNT_INPUTS after the intercept."""

    tails: dict[str, Tail]
    """By EVIDENCE."""
    stacks: dict[frozenset[str], Stack]
    account: tuple[float, ...]
    groups: GroupModel
    version: str
    manifest: dict[str, Any] = field(repr=False)

    def decide(self, evidence: pd.DataFrame, unmeasurable: Collection[str] = ()) -> Decisions:
        """Decide about account-days (`collect_evidence`). What is missing of a row takes no part in its decision.

        `unmeasurable`: features that their source cannot tell.
        """
        source = source_of(unmeasurable, self.sources)
        tails = apply_tails(self.tails, evidence)
        strength = np.nan_to_num(merge_windows(tails))
        order = np.argsort(-strength, axis=1, kind="stable")
        weights = np.zeros_like(strength)
        intercept, threshold = np.zeros(len(evidence)), np.zeros(len(evidence))
        for known, rows in rows_by_known(evidence).items():
            stack = self.stacks[known]
            ranks = order[rows][:, : len(stack.weights)]
            weights[rows[:, None], ranks] = stack.weights
            intercept[rows], threshold[rows] = stack.intercept, stack.threshold_of(source)
        pushes = weights * strength
        scores = intercept + pushes.sum(axis=1)
        by_name = _split_windows(pushes, tails).set_index(evidence.index)
        return Decisions(scores, expit(scores), as_score(scores, threshold), by_name)

    @property
    def sources(self) -> tuple[str, ...]:
        """The kinds of source that have thresholds."""
        return (COMPLETE, *dict.fromkeys(name for stack in self.stacks.values() for name in stack.by_source))

    def outdated(self) -> list[str]:
        """Name the detectors that were trained after the fusion was fitted: their scores may mean other things."""
        fitted_with = self.manifest.get("fitted_with", {})
        return [name for name, version in detector_versions().items() if fitted_with.get(name) != version]

    def of_accounts(self, user_ids: pd.Series, log_odds: Floats) -> pd.Series:
        """Return by account the probability that it is a bot's, from the log-odds of its days."""
        inputs = account_inputs(user_ids, log_odds)
        score = self.account[0] + inputs.to_numpy() @ np.array(self.account[1:])
        return pd.Series(expit(score), index=inputs.index)


def source_of(unmeasurable: Collection[str], names: Iterable[str]) -> str | None:
    """Return which kind of source lacks all of these features, and least beyond them; None where none does.

    >>> source_of([], ["complete", "scrobbles"]), source_of(["n_devices"], ["complete", "scrobbles"])
    ('complete', 'scrobbles')
    """
    features = frozenset().union(*SOURCE_PATTERNS.values())
    kinds = [SourcePattern(name, SOURCE_PATTERNS[name], None, None) for name in names]
    chosen = choose_pattern(kinds, features, unmeasurable)
    return None if chosen is None else chosen.name


def detector_versions() -> dict[str, str]:
    """Return the names and versions of the shipped detectors whose scores the fusion stacks."""
    champions = {**CHAMPIONS, **USER_DAY_CHAMPIONS, **WINDOW_CHAMPIONS}
    return {name: sha256[:8] for name, sha256 in champions.items()}


def rows_by_known(evidence: pd.DataFrame) -> dict[frozenset[str], np.ndarray]:
    """Group the rows by which of PARTS are known; the month counts as known with the week."""
    is_known = evidence[list(PARTS)].notna().to_numpy()
    code = is_known @ (1 << np.arange(len(PARTS)))
    return {
        frozenset(name for i, name in enumerate(PARTS) if number >> i & 1): np.flatnonzero(code == number)
        for number in map(int, np.unique(code))
    }


def apply_tails(tails: Mapping[str, Tail], evidence: pd.DataFrame) -> Floats:
    """Return the tail evidence of each of EVIDENCE, shape (rows, EVIDENCE); NaN where it is missing."""
    return np.column_stack([tails[name].of(evidence[name].to_numpy(dtype=np.float64)) for name in EVIDENCE])


def merge_windows(tails: Floats) -> Floats:
    """Return the evidence of PARTS (rows, PARTS) from tails (rows, EVIDENCE): that of a week and a month is their mean.

    Both read the same days, so they are no second witness for each other.

    >>> merge_windows(np.array([[1.0, np.nan, 2.0, 3.0, 0.5], [1.0, 4.0, 2.0, np.nan, 0.5]])).tolist()
    [[1.0, nan, 2.5, 0.5], [1.0, 4.0, 2.0, 0.5]]
    """
    month = tails[:, EVIDENCE.index(MONTH)]
    merged = tails[:, [EVIDENCE.index(name) for name in PARTS]]
    week = merged[:, PARTS.index(WEEK)]
    merged[:, PARTS.index(WEEK)] = np.where(np.isnan(month), week, (week + month) / 2)
    return merged


def _split_windows(pushes: Floats, tails: Floats) -> pd.DataFrame:
    """Return what each of EVIDENCE adds, from what each of PARTS adds: week and month by how strong each is."""
    by_name = pd.DataFrame(pushes, columns=list(PARTS))
    week, month = np.nan_to_num(tails[:, EVIDENCE.index(WEEK)]), np.nan_to_num(tails[:, EVIDENCE.index(MONTH)])
    of_month: pd.Series = by_name[WEEK] * month / np.maximum(week + month, 1e-9)
    return by_name.assign(**{MONTH: of_month, WEEK: by_name[WEEK] - of_month})[list(EVIDENCE)]


def account_inputs(user_ids: pd.Series, log_odds: Floats) -> pd.DataFrame:
    """Return ACCOUNT_INPUTS by account."""
    days = pd.DataFrame({"user_id": user_ids.to_numpy(), "x": log_odds}).sort_values("x", ascending=False)
    scores = days.groupby("user_id")["x"]
    inputs = {
        "highest": scores.first(),
        "mean_of_3": days.groupby("user_id").head(3).groupby("user_id")["x"].mean(),
        "log_days": np.log(scores.size()),
    }
    return pd.DataFrame(inputs)[list(ACCOUNT_INPUTS)]


def load_fusion(folder: Path = SHIPPED_FUSION, trusted_sha256: str | None = None) -> FusionModel:
    """Verify an artefact folder and load it. Raises ModelError."""
    trusted = trusted_sha256 or FUSION_CHAMPIONS.get(folder.name)
    if trusted is None:
        raise ModelError(
            f"model {folder.name} is not a champion (models/registry/champions.py): give its hash, --sha256"
        )
    manifest = read_manifest(folder / MANIFEST, trusted, REQUIRED)
    stacks = [
        Stack(
            frozenset(p["known"]),
            p["intercept"],
            tuple(p["weights"]),
            _or_infinite(p["threshold"]),
            {name: _or_infinite(entry["threshold"]) for name, entry in p.get("sources", {}).items()},
        )
        for p in manifest["patterns"]
    ]
    account, groups = manifest["account"], manifest["groups"]
    tails = {
        name: Tail(tuple(entry["scores"]), tuple(entry["evidence"]), entry["slope"])
        for name, entry in manifest["tails"].items()
    }
    return FusionModel(
        tails=tails,
        stacks={stack.known: stack for stack in stacks},
        account=(account["intercept"], *(account["weights"][name] for name in ACCOUNT_INPUTS)),
        groups=GroupModel(dict(groups["intercepts"]), tuple(groups["slopes"].values())),
        version=f"{manifest['name']}@{trusted[:8]}",
        manifest=manifest,
    )


def _or_infinite(threshold: float | None) -> float:
    return np.inf if threshold is None else threshold
