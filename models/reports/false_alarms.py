"""False alarms on honest listening: which days of people each detector flags, and why.

A history that a person exported is honest, so every alarm here is a false one. The unit is the person-day: a local day
on which that person listened. Days of one person are similar, so the real uncertainty is larger than an interval over
days; with five people or more the interval resamples people.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from contracts.features import SESSION_FEATURES
from contracts.wording.features import format_phrase
from contracts.wording.reasons import NO_REASONS
from models.metrics.intervals import share_by_account, wilson
from models.reports.fused_alarms import decide_history, fused_causes
from models.tables.times import epoch_ms
from models.user_days.detect import detect, honest_reference
from models.user_days.history import sort_user_days
from models.user_days.hybrid import FLAG
from models.user_days.trees import UserDayTrees
from runtime.local_time import to_local_ms
from runtime.units import DAY_MS

SCORER, FILTER = "session scorer, review", "session scorer, filter"
RULES, FOREST, HYBRID, TREES = "user-day rules", "user-day forest", "rules or forest", "user-day trees"
WINDOWS, FUSED = "account windows", "fused decision"
MIN_PEOPLE = 5
"""People from which an interval resamples people instead of days."""
_KEY = ["user_id", "local_date"]
_FEATURES = {feature.name: feature for feature in SESSION_FEATURES}


@dataclass(frozen=True, slots=True)
class ScoredHistory:
    """What the detectors read of an honest history."""

    name: str
    sessions: pd.DataFrame
    """Scored sessions: user_id, ended_at, score, is_flagged, is_filtered, reasons."""
    days: pd.DataFrame
    """Table `user_days`."""
    timezones: pd.Series
    """IANA name by user_id."""
    windows: pd.DataFrame | None = None
    """Scored windows: user_id, last_day, days, log_odds, is_flagged, reasons; None where they were not computed."""
    not_measurable: tuple[str, ...] = ()
    """Features that the source cannot tell."""
    is_scored: bool = True
    """Whether enough is known for the session scorer to flag anything."""
    is_simulated: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    """What the import read: files, layout, rows taken and refused."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """The alarms of one honest history."""

    history: ScoredHistory
    person_days: pd.DataFrame
    """user_id and local_date of each."""
    detectors: tuple[str, ...]
    alarms: pd.DataFrame
    """One row per detector and person-day: detector, user_id, local_date, causes (a list), reasons (a text)."""

    @property
    def people(self) -> int:
        """Number of people."""
        return int(self.person_days["user_id"].nunique())

    def alarms_of(self, detector: str) -> pd.DataFrame:
        """Return the alarms of one detector."""
        return self.alarms[self.alarms["detector"] == detector]

    def flagged_days(self) -> pd.DataFrame:
        """Return the person-days that any detector flags, each once, with the number of detectors that flag it.

        The filter is the scorer again, `rules or forest` is rules and forest again, and the fused decision suspects
        every day of a week whose window is suspicious: they do not count.
        """
        single = self.alarms[~self.alarms["detector"].isin([FILTER, HYBRID, FUSED])]
        return single.groupby(_KEY).size().rename("detectors").reset_index()

    def count_causes(self, detector: str) -> list[tuple[str, int]]:
        """Return the causes of a detector's alarms, each with its number of alarms, most first."""
        return Counter(name for names in self.alarms_of(detector)["causes"] for name in names).most_common()

    def of_people(self, user_ids: Collection[str]) -> "FalseAlarms":
        """Return the report of some of the people."""
        return replace(
            self,
            person_days=self.person_days[self.person_days["user_id"].isin(user_ids)],
            alarms=self.alarms[self.alarms["user_id"].isin(user_ids)],
        )

    def per_100(self, detector: str) -> tuple[float, float, float]:
        """Return alarms per 100 person-days with the ends of the 95 % interval."""
        return self._rate(self.alarms_of(detector))

    def any_per_100(self) -> tuple[float, float, float]:
        """Return person-days that any detector flags, per 100, with the ends of the 95 % interval."""
        return self._rate(self.flagged_days())

    def _rate(self, flagged: pd.DataFrame) -> tuple[float, float, float]:
        n, hits = len(self.person_days), len(flagged)
        low, high = wilson(hits, n)
        if self.people >= MIN_PEOPLE and hits:
            keys = set(zip(*(flagged[name] for name in _KEY), strict=True))
            is_hit = np.array([key in keys for key in zip(*(self.person_days[name] for name in _KEY), strict=True)])
            share = share_by_account(self.person_days["user_id"], pd.Series(is_hit), np.random.default_rng(1))
            low, high = min(low, share.low), max(high, share.high)
        return 100 * hits / n, 100 * low, 100 * high


def find_false_alarms(history: ScoredHistory, trees: UserDayTrees | None = None) -> FalseAlarms:
    """Run the detectors on an honest history; the trees only where they are given."""
    sessions, days = history.sessions, history.days
    flags = detect(days, reference=honest_reference())
    parts = {
        RULES: _rule_alarms(flags),
        FOREST: _forest_alarms(flags),
        HYBRID: _hybrid_alarms(flags),
    }
    if history.is_scored:
        at_review = _session_alarms(SCORER, sessions[sessions["is_flagged"]], history)
        at_filter = _session_alarms(FILTER, sessions[sessions["is_filtered"]], history)
        parts = {SCORER: at_review, FILTER: at_filter, **parts}
    if history.windows is not None:
        parts[WINDOWS] = _window_alarms(history.windows[history.windows["is_flagged"]], days)
    if trees is not None:
        parts[TREES] = _tree_alarms(days, trees)
        flags["trees_score"] = trees.score(sort_user_days(days))[1]
    if history.is_scored or history.windows is not None or trees is not None:
        decisions = decide_history(flags, sessions, history.windows, history.timezones, history.not_measurable)
        parts[FUSED] = _alarms(FUSED, flags[decisions.is_suspected], fused_causes(decisions))
    alarms = pd.concat(parts.values(), ignore_index=True)
    return FalseAlarms(
        history=history,
        person_days=flags[_KEY].assign(local_date=flags["local_date"].astype(str)),
        detectors=tuple(parts),
        alarms=alarms.sort_values(["local_date", "user_id", "detector"], ignore_index=True),
    )


def _session_alarms(detector: str, flagged: pd.DataFrame, history: ScoredHistory) -> pd.DataFrame:
    """Return the person-days with a flagged session; behind it is the feature that raised its score most."""
    flagged = flagged.copy()
    zone_of, zones = pd.factorize(history.timezones.reindex(flagged["user_id"]))
    local = to_local_ms(epoch_ms(flagged["ended_at"]), zone_of.astype(np.int64), list(zones)) // DAY_MS
    flagged["local_date"] = pd.to_datetime(local, unit="D").date
    strongest = flagged.sort_values("score", ascending=False).drop_duplicates(_KEY)
    return _alarms(detector, strongest, map(_session_cause, strongest["reasons"], strongest["score"]))


def _session_cause(reasons: Sequence[dict[str, Any]] | None, score: float) -> tuple[list[str], str]:
    """Return the feature that raises a score most, and a text with all that raise it."""
    if reasons is None:
        return [], f"no reasons from this model (score {score:.2f})"
    # what a source cannot tell accuses nobody
    known = [(_FEATURES[reason["feature"]], reason["value"]) for reason in reasons if not pd.isna(reason["value"])]
    text = ", ".join(format_phrase(feature, float(value)) for feature, value in known) or NO_REASONS
    return [feature.display_name for feature, _ in known[:1]], f"{text} (score {score:.2f})"


def _rule_alarms(flags: pd.DataFrame) -> pd.DataFrame:
    flagged = flags[flags["by_rules"]]
    pairs = zip(flagged["rules"], flagged["reasons"], strict=True)
    return _alarms(RULES, flagged, ((list(rules), "; ".join(reasons)) for rules, reasons in pairs))


def _forest_alarms(flags: pd.DataFrame) -> pd.DataFrame:
    flagged = flags[flags["by_forest"]]
    # the forest's reason is the last one, after those of the rules
    reasons = [day[-1] if len(day) else "" for day in flagged["reasons"]]
    return _alarms(FOREST, flagged, zip(map(list, flagged["forest_pair"]), reasons, strict=True))


def _hybrid_alarms(flags: pd.DataFrame) -> pd.DataFrame:
    flagged = flags[flags["hybrid_score"] >= FLAG]
    names = ([*(["rules"] if by_rules else []), *(["forest"] if by_forest else [])]
             for by_rules, by_forest in zip(flagged["by_rules"], flagged["by_forest"], strict=True))  # fmt: skip
    return _alarms(HYBRID, flagged, zip(names, map("; ".join, flagged["reasons"]), strict=True))


def _tree_alarms(days: pd.DataFrame, trees: UserDayTrees) -> pd.DataFrame:
    _, score = trees.score(days)
    flagged = days[score >= FLAG]
    return _alarms(
        TREES,
        flagged,
        (([_without_numbers(text) for text in reasons[:1]], "; ".join(reasons)) for reasons in trees.reasons(flagged)),
    )


def _window_alarms(flagged: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """Return the alarms of flagged windows, each on the account's last active day in it, once a day."""
    active = days[_KEY].assign(at=pd.to_datetime(days["local_date"])).sort_values("at")
    strongest = flagged.sort_values("log_odds", ascending=False).assign(at=pd.to_datetime(flagged["last_day"]))
    placed = pd.merge_asof(strongest.sort_values("at"), active, on="at", by="user_id")
    placed = placed.sort_values("log_odds", ascending=False).drop_duplicates(_KEY)
    texts = zip(placed["days"], placed["reasons"], strict=True)
    causes = [
        ([_without_numbers(text) for text in reasons[:1]], f"{n} days: {'; '.join(reasons)}") for n, reasons in texts
    ]
    return _alarms(WINDOWS, placed, causes)


def _without_numbers(reason: str) -> str:
    """Return what a reason is about, the same for all alarms of its kind.

    >>> _without_numbers("1,252 plays in a day; honest listeners: usually 23")
    '… plays in a day'
    """
    return re.sub(r"\d[\d.,]*( %| min| h| s)?", "…", reason.partition(";")[0])


def _alarms(detector: str, rows: pd.DataFrame, causes: Iterable[tuple[list[str], str]]) -> pd.DataFrame:
    """Return the alarms of flagged rows; `causes` by row: the causes, and the text of the reasons."""
    pairs = list(causes)
    return pd.DataFrame(
        {
            "detector": detector,
            "user_id": rows["user_id"].to_numpy(),
            "local_date": rows["local_date"].astype(str).to_numpy(),
            "causes": [names for names, _ in pairs],
            "reasons": [text for _, text in pairs],
        }
    )
