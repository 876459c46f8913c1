"""What rules, forest and hybrid are each good for: a table of which every cell is a measurement.

Nothing here was fitted on labels, so every family is one "never seen before".
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.metrics.flags import MIN_ROWS
from models.user_days.by_rules import apply_rules
from models.user_days.detect import FOREST_FEATURES, SEED
from models.user_days.forest import REFIT_DAYS, forest_input, forest_scores
from models.user_days.history import MIN_ACTIVE_DAYS, WINDOW_DAYS, Kind, sort_user_days
from models.user_days.hybrid import FLAG, hybrid_score
from models.user_days.report.evaluation import UNLABELLED
from runtime.arrays import Floats
from runtime.local_time import day_numbers

DRIFTER = "drifter"
BASELINES: dict[str, tuple[Kind, int | None]] = {
    "fixed": ("fixed", None),
    "rolling": ("rolling", None),
    "retrained": ("rolling", REFIT_DAYS),
}
"""Baseline of the account, and days after which the forest is fitted again (None: once, on the first 28 days)."""


def study(days: pd.DataFrame, labelled: pd.DataFrame, seed: int = SEED) -> pd.DataFrame:
    """Return the table: one row per detector, one text per cell.

    `days`: table user_days. `labelled`: the flags of `detect` on them with their truth
    (`models.labels.truth.label_user_days`).
    """
    drift = drift_alarms(days, labelled, seed)
    rows = {}
    for name, column in UNLABELLED.items():
        flagged = labelled[column] >= FLAG
        rows[name] = {
            "explainability": _explained(labelled[flagged]),
            "history needed": _by_history(labelled, flagged),
            "adaptability": _adaptability(labelled, flagged),
            "drift": _format_alarms(drift[name]),
            "best use": _best_use(labelled, flagged),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("detector")


def _explained(flags: pd.DataFrame) -> str:
    """How many reasons a flag has, and how many flags say what is usual for this very account."""
    if flags.empty:
        return "no flags"
    own = flags["baseline"].eq("own").mean()
    return f"{flags['reasons'].map(len).mean():.1f} reasons per flag; {100 * own:.0f} % against the account's own days"


def _by_history(labelled: pd.DataFrame, flagged: pd.Series) -> str:
    """False alarms by active days of history."""
    honest = labelled["label"] == 0
    bands = {
        f"under {MIN_ACTIVE_DAYS}": labelled["history_days"] < MIN_ACTIVE_DAYS,
        f"{MIN_ACTIVE_DAYS}–13": labelled["history_days"].between(MIN_ACTIVE_DAYS, 13),
        "14 and more": labelled["history_days"] >= 14,
    }
    alarms = {name: flagged[honest & band].mean() for name, band in bands.items() if (honest & band).any()}
    parts = [f"{100 * share:.2f} % ({name})" for name, share in alarms.items()]
    return "false alarms by active days: " + ", ".join(parts)


def _adaptability(labelled: pd.DataFrame, flagged: pd.Series) -> str:
    """Recall, macro over families, and how many families are flagged more often than honest days are."""
    recall = _recall(labelled, flagged)
    alarms = flagged[labelled["label"] == 0].mean()
    if recall.empty:
        return "no family has enough days"
    return (
        f"mean recall {100 * recall.mean():.1f} % over {len(recall)} families never seen; "
        f"{int((recall > alarms).sum())} of them are flagged more often than honest days ({100 * alarms:.2f} %)"
    )


def _best_use(labelled: pd.DataFrame, flagged: pd.Series) -> str:
    recall = _recall(labelled, flagged).sort_values(ascending=False).head(3)
    return ", ".join(f"{family} {100 * share:.0f} %" for family, share in recall.items()) or "too few days"


def _recall(labelled: pd.DataFrame, flagged: pd.Series) -> pd.Series:
    positive = (labelled["label"] == 1) & (labelled["family"] != HONEST)
    by_family = flagged[positive].groupby(labelled.loc[positive, "family"])
    return by_family.mean()[by_family.size() >= MIN_ROWS]


def drift_alarms(days: pd.DataFrame, labelled: pd.DataFrame, seed: int = SEED) -> dict[str, dict[str, float]]:
    """Return false alarms an account and week on honest drifters, after day 28, by detector and baseline."""
    ordered = sort_user_days(days)
    day = day_numbers(ordered["local_date"])
    keys = ["user_id", "local_date"]
    truth = labelled.set_index(keys)[["label", "cohort"]].reindex(pd.MultiIndex.from_frame(ordered[keys]))
    later = day >= day.min() + WINDOW_DAYS
    counted = later & (truth["cohort"] == DRIFTER).to_numpy() & (truth["label"] == 0).to_numpy()
    accounts = ordered.loc[counted, "user_id"].nunique()
    weeks = accounts * (day.max() - day.min() + 1 - WINDOW_DAYS) / 7
    alarms: dict[str, dict[str, float]] = {name: {} for name in UNLABELLED}
    for baseline, (kind, refit_days) in BASELINES.items():
        for name, score in _scores(ordered, kind, refit_days, seed).items():
            alarms[name][baseline] = float((score[counted] >= FLAG).sum() / weeks) if weeks else float("nan")
    return alarms


def _scores(days: pd.DataFrame, kind: Kind, refit_days: int | None, seed: int) -> dict[str, Floats]:
    rules = apply_rules(days, kind).score
    inputs = forest_input(days, tuple(feature.name for feature in FOREST_FEATURES), kind)
    forest = forest_scores(days, inputs, np.random.default_rng(seed), refit_days)
    return {"rules": rules, "forest": forest, "hybrid": hybrid_score(rules, forest)}


def _format_alarms(alarms: Mapping[str, float]) -> str:
    if any(np.isnan(value) for value in alarms.values()):
        return "no drifter after day 28"
    return (
        ", ".join(f"{baseline} {value:.3f}" for baseline, value in alarms.items()) + " false alarms a drifter and week"
    )


def as_markdown(table: pd.DataFrame) -> str:
    """Render the table."""
    head = ["detector", *table.columns]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    rows = zip(table.index, table.to_numpy(), strict=True)
    lines += ["| " + " | ".join([str(name), *map(str, row)]) + " |" for name, row in rows]
    return "\n".join(lines)
