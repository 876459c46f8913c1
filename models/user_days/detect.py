"""The user-day detector as a whole: a frame of user-days in, a frame of flags with their reasons out."""

import hashlib
from dataclasses import astuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.user_day_features import USER_DAY_GROUPS
from models.user_days.by_rules import RuleResults, apply_rules, feature_matrix
from models.user_days.categories import CategoryModel
from models.user_days.forest import ForestInput, forest_input, forest_scores
from models.user_days.history import history_rows, sort_user_days
from models.user_days.hybrid import FLAG, hybrid_score, with_trees
from models.user_days.reasons import forest_reason, is_unbroken, rarest_pair, rule_reasons
from models.user_days.reference import MIN_ACCOUNTS, read_reference, scores_by_reference
from models.user_days.rules import RULES
from models.user_days.trees import UserDayTrees
from runtime.arrays import Floats

FOREST_GROUPS = ("volume", "policy", "interaction", "timing", "repetition", "place")
"""Groups of features that the forest reads: what a listener does, not which client or plan it is."""
_COMPARED = ("z_own_plays", "z_own_hours", "rz_own_plays", "rz_own_hours")
"""Comparisons with the history, which the forest makes for every feature by itself."""
FOREST_FEATURES = tuple(f for group in FOREST_GROUPS for f in USER_DAY_GROUPS[group] if f.name not in _COMPARED)
VERSION = "user-day-2"
SEED = 1


def model_version(trees: UserDayTrees | None = None) -> str:
    """Name the detector by its rules, the forest's features and the trees: what changes them changes the name.

    >>> model_version().startswith("user-day-2@")
    True
    """
    # values only: a field that is renamed does not change the detector
    parts = ([astuple(rule) for rule in RULES], [astuple(feature) for feature in FOREST_FEATURES])
    content = repr((*parts, trees and trees.version)).encode()
    return f"{VERSION}@{hashlib.sha256(content).hexdigest()[:12]}"


def detect(
    days: pd.DataFrame,
    seed: int = SEED,
    trees: UserDayTrees | None = None,
    categories: CategoryModel | None = None,
    reference: Floats | None = None,
) -> pd.DataFrame:
    """Score and flag user-days (table `user_days`), with or without the trees and the categories of flagged days.

    The forest is fitted on the days before each week, or on a `reference` (`reference.read_reference`).

    Returns them in order of account and day with the columns score, is_flagged, by_rules, by_forest, by_trees, rules,
    groups, reasons, forest_pair (the two features behind a flag of the forest), history_days, baseline,
    trees_probability (null without trees), categories (null without their model, and where a day is not flagged), and
    rules_score, forest_score, hybrid_score, trees_score: each before they are combined.
    """
    days = sort_user_days(days)
    ruled = apply_rules(days)
    inputs = forest_input(days, tuple(feature.name for feature in FOREST_FEATURES))
    rng = np.random.default_rng(seed)
    forest = forest_scores(days, inputs, rng) if reference is None else scores_by_reference(inputs, reference, rng)
    hybrid = hybrid_score(ruled.score, forest)
    unknown = np.full(len(days), np.nan)
    probability, by_score = (unknown, unknown) if trees is None else trees.score(days)
    score = with_trees(hybrid, by_score)
    flags = days[["user_id", "local_date", "plays", "streams"]].copy()
    flags["score"], flags["rules_score"], flags["forest_score"] = score, ruled.score, forest
    flags["hybrid_score"], flags["trees_score"], flags["trees_probability"] = hybrid, by_score, probability
    flags["is_flagged"], flags["by_rules"], flags["by_forest"] = score >= FLAG, ruled.is_flagged, forest >= FLAG
    flags["by_trees"] = by_score >= FLAG
    flags["history_days"] = ruled.history_days
    flags["baseline"] = np.where(ruled.is_own, "own", "cohort")
    flags["rules"], flags["groups"] = _names(ruled)
    reasons, flags["forest_pair"] = _reasons(days, ruled, inputs, forest >= FLAG)
    if trees is not None:
        by_trees = np.flatnonzero(flags["by_trees"])
        for row, added in zip(map(int, by_trees), trees.reasons(days.iloc[by_trees]), strict=True):
            reasons[row] += added
    flags["reasons"] = reasons
    flags["categories"] = None if categories is None else _categories(days, flags["is_flagged"], categories)
    flags["model_version"] = model_version(trees)
    return flags


def _categories(days: pd.DataFrame, is_flagged: pd.Series, model: CategoryModel) -> pd.Series:
    """Name the categories of the flagged rows; None for the others."""
    flagged = np.flatnonzero(is_flagged)
    named = pd.Series([None] * len(days), index=days.index, dtype=object)
    named.iloc[flagged] = pd.Series(model.categories(days.iloc[flagged]), dtype=object).to_numpy()
    return named


def reference_for(days: pd.DataFrame) -> Floats | None:
    """Return the reference of the forest for days of few accounts; None where they are a population themselves."""
    return None if days["user_id"].nunique() >= MIN_ACCOUNTS else honest_reference()


def honest_reference() -> Floats:
    """Read the simulated honest days that a forest may be fitted on, as the forest's matrix."""
    return read_reference(tuple(feature.name for feature in FOREST_FEATURES))


def _names(ruled: RuleResults) -> tuple[list[list[str]], list[list[str]]]:
    """Name the rules that fired on each row, and their groups."""
    rules: list[list[str]] = [[] for _ in ruled.fired]
    groups: list[list[str]] = [[] for _ in ruled.fired]
    for row, rule in zip(*np.nonzero(ruled.fired), strict=True):
        rules[row].append(RULES[rule].name)
        group = RULES[rule].group
        if group is not None and group not in groups[row]:
            groups[row].append(group)
    return rules, groups


def _reasons(
    days: pd.DataFrame, ruled: RuleResults, inputs: ForestInput, by_forest: NDArray[np.bool_]
) -> tuple[list[list[str]], list[list[str]]]:
    """Return the reasons of each row in words, and the names of the two features behind a flag of the forest."""
    reasons: list[list[str]] = [[] for _ in by_forest]
    pairs: list[list[str]] = [[] for _ in by_forest]
    unbroken = is_unbroken(*feature_matrix(days, ("longest_wake_h", "hours")).T)
    for row in map(int, np.flatnonzero(ruled.is_flagged)):
        reasons[row] = rule_reasons(ruled, row, bool(unbroken[row]))
    flagged = np.flatnonzero(by_forest)
    for row, earlier in zip(map(int, flagged), history_rows(days)[flagged], strict=True):
        pair = rarest_pair(inputs.deviation, earlier[earlier >= 0], row)
        if pair is not None:
            which, features = list(pair), (FOREST_FEATURES[pair[0]], FOREST_FEATURES[pair[1]])
            reason = forest_reason(
                features, inputs.values[row, which], inputs.usual[row, which], bool(ruled.is_own[row])
            )
            reasons[row].append(reason)
            pairs[row] = [feature.display_name for feature in features]
    return reasons, pairs
