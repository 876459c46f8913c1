"""Decide about every account-day of a world: the stack over all detectors, with its reasons in words."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from contracts.features import SESSION_FEATURES
from contracts.wording.features import format_phrase
from contracts.wording.quantities import format_score
from contracts.wording.reasons import OF_SESSION, OF_SESSION_WITH
from models.campaigns.group_model import ASSUMED
from models.fusion.evidence import GROUP, MONTH, SESSION, WEEK, collect_evidence
from models.fusion.model import Decisions, FusionModel
from models.tables.times import epoch_ms
from models.tables.user_day_index import UserDayIndex
from models.user_days.categories import CategoryModel
from models.user_days.hybrid import FLAG
from models.user_days.trees import UserDayTrees
from runtime.local_time import day_numbers

MAX_REASONS = 4
_FEATURES = {feature.name: feature for feature in SESSION_FEATURES}


@dataclass(frozen=True, slots=True)
class Sources:
    """What the detectors found in a world; None where one did not run. Thresholds are log-odds."""

    sessions: pd.DataFrame | None
    """user_id, started_at, score, is_flagged, reasons."""
    windows: pd.DataFrame | None
    """user_id, last_day, days, log_odds, is_flagged, reasons."""
    campaigns: pd.DataFrame
    timezones: pd.Series
    session_threshold: float | None
    window_threshold: float | None
    not_measurable: tuple[str, ...] = ()
    """Features that the source cannot tell."""


def decide_days(flags: pd.DataFrame, sources: Sources, fusion: FusionModel) -> tuple[pd.DataFrame, Decisions]:
    """Add the decision to flags (`detect`): score, probability, is_flagged, and reasons of what no day can show.

    The flags of single detectors (by_rules, by_forest, by_trees) stay as evidence.
    """
    evidence = collect_evidence(
        flags, counted_groups(sources.campaigns), sources.timezones, sources.sessions, sources.windows,
        sources.session_threshold, sources.window_threshold,
    )  # fmt: skip
    decided = fusion.decide(evidence, sources.not_measurable)
    # an import whose days no trees can score: rules and forest, where both agree, suspect a day too
    both = (flags["by_rules"] & flags["by_forest"] & flags["trees_score"].isna()).to_numpy()
    score = np.where(both, np.maximum(decided.score, FLAG), decided.score)
    table = flags.assign(score=score, probability=decided.probability, is_flagged=score >= FLAG)
    table["reasons"] = _reasons(table, decided, sources)
    table["model_version"] = flags["model_version"] + "+" + fusion.version
    return table, decided


def counted_groups(campaigns: pd.DataFrame) -> pd.DataFrame:
    """Return the groups that are evidence: those whose probability is fitted, and flagged ones of the other kinds.

    A couple that lends each other a phone, or a household that pays together, is none.
    """
    return campaigns[~campaigns["kind"].isin(list(ASSUMED)) | campaigns["is_flagged"].astype(bool)]


def name_evidence(
    flags: pd.DataFrame, days: pd.DataFrame, trees: UserDayTrees | None, categories: CategoryModel | None
) -> pd.DataFrame:
    """Add what only the features of a flagged day tell: the trees' reasons where there is no other, and categories.

    `days`: rows of `flags` in the same order.
    """
    flagged = np.flatnonzero(flags["is_flagged"])
    reasons: list[list[str]] = flags["reasons"].tolist()
    if trees is not None:
        bare = [int(row) for row in flagged if not reasons[int(row)]]
        for row, of_trees in zip(bare, trees.reasons(days.iloc[bare]), strict=True):
            reasons[row] = of_trees
    named = flags.assign(reasons=pd.Series(reasons, index=flags.index, dtype=object), categories=None)
    if categories is not None:
        of_flagged = pd.Series(categories.categories(days.iloc[flagged]), index=named.index[flagged], dtype=object)
        named["categories"] = of_flagged.reindex(named.index).where(named["is_flagged"], None)
    return named


def _reasons(flags: pd.DataFrame, decided: Decisions, sources: Sources) -> list[list[str]]:
    """Return the reasons of each day: the day's own come first, then those of what adds most to the decision."""
    own: list[list[str]] = flags["reasons"].tolist()
    reasons = [list(texts) for texts in own]
    suspected = np.flatnonzero(decided.is_suspected)
    by_source = {
        SESSION: _of_sessions(flags, suspected, sources),
        WEEK: _of_windows(flags, suspected, sources.windows, 7),
        MONTH: _of_windows(flags, suspected, sources.windows, 28),
        GROUP: _of_groups(flags, suspected, sources.campaigns),
    }
    for row in map(int, suspected):
        push = decided.pushes.iloc[row]
        # of weeks and months only the stronger: they have the same reason in most cases
        weaker = min(WEEK, MONTH, key=lambda name: push[name])
        order = sorted((name for name in by_source if name != weaker and push[name] > 0), key=lambda name: -push[name])
        texts = [text for name in order for text in by_source[name].get(row, [])]
        of_day = own[row][: MAX_REASONS - min(len(texts), MAX_REASONS // 2)]
        reasons[row] = list(dict.fromkeys([*of_day, *texts]))[:MAX_REASONS]
    return reasons


def _of_sessions(flags: pd.DataFrame, rows: np.ndarray, sources: Sources) -> dict[int, list[str]]:
    """Return by row what raised the score of the day's most suspicious flagged session."""
    sessions = sources.sessions
    if sessions is None or not len(rows) or "reasons" not in sessions:
        return {}
    chosen = sessions[sessions["is_flagged"].astype(bool) & sessions["user_id"].isin(flags["user_id"].iloc[rows])]
    index = UserDayIndex(flags["user_id"], day_numbers(flags["local_date"]), sources.timezones)
    at = index.rows(chosen["user_id"], epoch_ms(chosen["started_at"]))
    worst = chosen.assign(row=at).sort_values("score", ascending=False).drop_duplicates("row")
    texts = {}
    for row, score, reasons in zip(worst["row"], worst["score"], worst["reasons"], strict=True):
        known = [r for r in (reasons if reasons is not None else ()) if r["feature"] in _FEATURES]
        parts = [
            format_phrase(_FEATURES[r["feature"]], float(r["value"]))
            for r in known
            if r["value"] is not None and r["contribution"] > 0
        ][:2]
        template = OF_SESSION_WITH if parts else OF_SESSION
        texts[int(row)] = [template.format(score=format_score(score), phrases=", ".join(parts))]
    return texts


def _of_windows(
    flags: pd.DataFrame, rows: np.ndarray, windows: pd.DataFrame | None, length: int
) -> dict[int, list[str]]:
    """Return by row the first reason of the strongest flagged window that holds the day."""
    if windows is None:
        return {}
    flagged = windows[windows["is_flagged"].astype(bool) & (windows["days"] == length)]
    flagged = flagged.sort_values("log_odds", ascending=False)
    suspected = pd.DataFrame(
        {"row": rows, "user_id": flags["user_id"].to_numpy()[rows], "day": day_numbers(flags["local_date"])[rows]}
    )
    held = suspected.merge(flagged.assign(last=day_numbers(flagged["last_day"])), on="user_id")
    held = held[(held["last"] >= held["day"]) & (held["last"] - length < held["day"])].drop_duplicates("row")
    return {int(row): list(reasons)[:1] for row, reasons in zip(held["row"], held["reasons"], strict=True)}


def _of_groups(flags: pd.DataFrame, rows: np.ndarray, campaigns: pd.DataFrame) -> dict[int, list[str]]:
    """Return by row the first reason of the surest flagged group that the account is in."""
    members = campaigns[campaigns["is_flagged"]].sort_values("probability", ascending=False).explode("user_ids")
    reason = members.drop_duplicates("user_ids").set_index("user_ids")["reasons"]
    users = flags["user_id"].iloc[rows]
    return {int(row): list(reason[user])[:1] for row, user in zip(rows, users, strict=True) if user in reason.index}
