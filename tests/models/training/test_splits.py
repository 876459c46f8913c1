"""No account, no campaign and no day is in two blocks; thresholds come from the calibration block."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import ModelError
from models.training.splits import BLOCKS, NO_BLOCK, assign_blocks, number_groups
from models.training.thresholds import FILTER_PRECISION, choose_thresholds


def make_table(sessions: int, accounts: int, campaigns: int, seed: int) -> pd.DataFrame:
    """Sessions at random hours of ten days; the first tenth of the accounts are bots."""
    rng = np.random.default_rng(seed)
    account = rng.integers(accounts, size=sessions)
    is_bot = account < accounts / 10
    return pd.DataFrame(
        {
            "user_id": [f"u{i}" for i in account],
            "campaign_id": [f"c{i % campaigns}" if bot else None for i, bot in zip(account, is_bot, strict=True)],
            "family": np.where(is_bot, "farm", "honest"),
            "cohort": np.where(account % 7 == 0, "venue", "regular"),
            "started_at": pd.Timestamp("2026-03-02", tz="UTC") + pd.to_timedelta(rng.integers(240, size=sessions), "h"),
        }
    )


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_blocks_share_no_account_no_campaign_and_no_time(seed: int) -> None:
    table = make_table(400, accounts=60, campaigns=4, seed=seed)
    table["block"] = assign_blocks(table, np.random.default_rng(seed))
    kept = table[table["block"] != NO_BLOCK]
    for column in ("user_id", "campaign_id"):
        assert (kept.dropna(subset=[column]).groupby(column)["block"].nunique() == 1).all()
    times = kept.groupby("block")["started_at"].agg(["min", "max"]).reindex(BLOCKS).dropna()
    assert (times["max"].to_numpy()[:-1] < times["min"].to_numpy()[1:]).all()


def test_every_family_and_every_hard_negative_is_in_every_block() -> None:
    table = make_table(20_000, accounts=400, campaigns=8, seed=1)
    block = assign_blocks(table, np.random.default_rng(1))
    for name in BLOCKS:
        inside = table[block == name]
        assert set(inside["family"]) == {"farm", "honest"}
        assert set(inside["cohort"]) == {"venue", "regular"}


def test_an_account_that_two_campaigns_pay_joins_them_in_one_group() -> None:
    groups = number_groups(pd.Series(["a", "b", "b", "c", "d"]), pd.Series(["x", "x", "y", "y", None]))
    assert len(set(groups[:4])) == 1
    assert groups[4] != groups[0]


def make_block(scores: list[float], labels: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"user_id": [f"u{i}" for i in range(len(scores))], "score": scores, "label": labels})


def test_a_clean_gap_is_cut_in_its_middle() -> None:
    chosen = choose_thresholds(make_block([0.9] * 400 + [0.1] * 1000, [1] * 400 + [0] * 1000), np.random.default_rng(0))
    assert chosen.review == pytest.approx(0.5)
    assert chosen.filter == pytest.approx(0.5)
    assert chosen.is_filter_proven
    assert chosen.filter_precision.low >= FILTER_PRECISION


def test_the_filter_is_above_the_first_errors_and_review_below_them() -> None:
    scores = [0.95] * 500 + [0.6] * 200 + [0.1] * 1000
    labels = [1] * 500 + [1] * 160 + [0] * 40 + [0] * 1000
    chosen = choose_thresholds(make_block(scores, labels), np.random.default_rng(0))
    assert 0.1 < chosen.review < 0.6 < chosen.filter < 0.95
    assert chosen.is_filter_proven


def test_with_few_flags_the_filter_is_not_proven() -> None:
    chosen = choose_thresholds(make_block([0.9] * 40 + [0.1] * 100, [1] * 40 + [0] * 100), np.random.default_rng(0))
    assert not chosen.is_filter_proven
    assert chosen.filter_precision.value == 1


def test_where_no_threshold_is_precise_enough_nothing_is_filtered() -> None:
    chosen = choose_thresholds(make_block([0.9] * 100 + [0.1] * 100, [1, 0] * 50 + [0] * 100), np.random.default_rng(0))
    assert chosen.filter == 1.0
    assert not chosen.is_filter_proven


def test_a_block_with_one_kind_of_label_is_refused() -> None:
    with pytest.raises(ModelError, match="no positive or no negative"):
        choose_thresholds(make_block([0.5, 0.6], [0, 0]), np.random.default_rng(0))
