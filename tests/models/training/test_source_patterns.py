"""Masked copies for training, and the threshold that keeps to its false alarms."""

import numpy as np
import pandas as pd

from contracts.features import FEATURE_NAMES
from contracts.measurable import SOURCE_PATTERNS
from models.training.source_patterns import MASKED_COPIES, alarm_threshold, with_masked_copies


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


def test_the_threshold_lets_its_share_of_honest_account_days_through_and_bots_do_not_count() -> None:
    table = sessions(2000)
    scores = np.linspace(0, 1, 2000)
    table.loc[1990:, "label"] = 1.0
    threshold = alarm_threshold(scores, table, share=0.01)
    honest = table["label"] == 0
    days = (
        pd.Series(scores[honest] >= threshold)
        .groupby([table.loc[honest, "user_id"], table.loc[honest, "started_at"]])
        .any()
    )
    assert 0 < days.mean() <= 0.01
