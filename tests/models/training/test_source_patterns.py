"""Masked copies for training, and the threshold that keeps to its false alarms."""

import numpy as np
import pandas as pd
import pytest

from contracts.features import FEATURE_NAMES
from contracts.measurable import SOURCE_PATTERNS
from models.training import source_patterns
from models.training.source_patterns import (
    MASKED_COPIES,
    MAX_OF_A_KIND,
    MAX_WITHOUT_DEVICES,
    alarm_threshold,
    choose_by_pattern,
    kind_threshold,
    with_masked_copies,
)
from runtime.arrays import Floats


def sessions(n: int) -> pd.DataFrame:
    table = pd.DataFrame(1.0, index=range(n), columns=list(FEATURE_NAMES))
    started = pd.Timestamp("2026-03-02", tz="UTC") + pd.to_timedelta(np.arange(n) % 5, "D")
    return table.assign(user_id=[f"u{i // 10}" for i in range(n)], label=0.0, started_at=started)


def test_every_session_is_there_complete_and_masked_alike_for_all_sessions_of_an_account() -> None:
    table = sessions(400)
    copies = with_masked_copies(table, np.random.default_rng(1))
    assert len(copies) == (1 + MASKED_COPIES) * len(table)
    assert copies[list(FEATURE_NAMES)].head(400).notna().all().all()
    first = copies.iloc[400:800]
    assert (first.groupby("user_id")[list(FEATURE_NAMES)].nunique(dropna=False) == 1).all().all()
    masks = {frozenset(row[row.isna()].index) for _, row in first[list(FEATURE_NAMES)].iterrows()}
    sources = {frozenset(unknown & {*FEATURE_NAMES}) for unknown in SOURCE_PATTERNS.values()}
    assert len(masks & sources) > 3, "sources that exist"
    assert masks - sources, "and random ones"


def flagged_days(scores: Floats, table: pd.DataFrame, share: float) -> float:
    """The share of honest account-days with a session over the threshold for `share`."""
    threshold = alarm_threshold(scores, table, np.random.default_rng(1), share)
    honest = (table["label"] == 0).to_numpy()
    keys = [table.loc[honest, "user_id"], table.loc[honest, "started_at"]]
    return float(pd.Series(scores[honest] >= threshold, table.index[honest]).groupby(keys).any().mean())


def test_the_threshold_lets_at_most_its_share_of_honest_account_days_through_and_bots_do_not_count() -> None:
    table = sessions(4000)
    scores = np.random.default_rng(2).random(4000)
    table.loc[3000:, "label"] = 1.0
    scores[3000:] = 2.0
    assert 0 < flagged_days(scores, table, 0.03) < 0.03


def test_where_few_people_cause_all_alarms_the_margin_is_wider() -> None:
    table, rng = sessions(4000), np.random.default_rng(3)
    spread = rng.random(4000)
    of_few = np.where(table["user_id"].isin([f"u{n}" for n in range(12)]), spread + 1, spread)
    assert flagged_days(of_few, table, 0.03) < flagged_days(spread, table, 0.03)


def test_without_an_honest_day_nothing_is_flagged_and_one_account_alone_gets_no_alarm() -> None:
    scores = np.random.default_rng(4).random(40)
    bots = sessions(40).assign(label=1.0)
    assert alarm_threshold(scores, bots, np.random.default_rng(1)) == 1.0
    assert flagged_days(scores, sessions(40).assign(user_id="u"), 0.03) == 0.0


def test_each_kind_of_people_keeps_to_its_bound_and_not_only_all_of_them() -> None:
    table = sessions(4000).assign(cohort=["odd" if n % 10 == 0 else "usual" for n in range(4000)])
    table["user_id"] += table["cohort"]
    scores = np.where(table["cohort"] == "odd", 0.5, 0.0) + 0.4 * np.random.default_rng(4).random(4000)
    threshold = kind_threshold(scores, table, 0.05)
    for _, of_kind in table.assign(over=scores >= threshold).groupby("cohort"):
        assert of_kind.groupby(["user_id", "started_at"])["over"].any().mean() <= 0.05
    assert (scores >= threshold).any()
    assert kind_threshold(scores - 5, table, 0.05) == pytest.approx(threshold - 5), "log-odds may be under 0"


def test_the_bound_of_each_kind_holds_for_every_kind_of_source(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {name: SOURCE_PATTERNS[name] for name in ("complete", "timestamps")}
    monkeypatch.setattr(source_patterns, "SOURCE_PATTERNS", kinds)
    rng = np.random.default_rng(5)
    table = sessions(600).assign(label=(np.arange(600) >= 540).astype(float))
    table["hours"] = np.where(table["label"] == 1, 0.6 + 0.4 * rng.random(600), 0.5 * rng.random(600))
    odd = sessions(1500).assign(cohort="sleep", hours=0.4 + 0.4 * rng.random(1500))
    _, entries = choose_by_pattern(lambda rows, _: rows["hours"].to_numpy(), table, table, rng, odd)
    assert [entry["name"] for entry in entries] == [*kinds]
    for entry in entries:
        over = (odd["hours"] >= entry["review"]).groupby([odd["user_id"], odd["started_at"]]).any()
        bound = MAX_WITHOUT_DEVICES if "n_devices" in entry["unknown"] else MAX_OF_A_KIND
        assert 0 < over.sum() <= np.ceil(bound * len(over))
