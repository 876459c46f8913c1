"""The review list: in order, safe in a spreadsheet, with a random sample of what was not flagged."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from models.user_days.hybrid import hybrid_score
from models.user_days.queue import review_list, to_csv, with_priority
from runtime.desk.spreadsheet import FORMULA_STARTS


def flags(users: int = 200) -> pd.DataFrame:
    rows = [(f"u{u:03}", day, 0.9 if u < 3 else 0.1, 50 + u) for u in range(users) for day in (1, 2)]
    frame = pd.DataFrame(rows, columns=["user_id", "day", "score", "streams"])
    frame["local_date"] = pd.to_datetime("2025-03-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    frame["is_flagged"] = frame["score"] >= 0.5
    frame["probability"] = frame["score"] / 2
    frame["reasons"] = [["=1+1", "b"] if flagged else [] for flagged in frame["is_flagged"]]
    return frame


def test_flags_come_first_by_money_times_probability() -> None:
    review = review_list(with_priority(flags(), np.random.default_rng(1)))
    assert review["drawn_by"].tolist() == ["flag"] * 6 + ["random"] * 2
    assert review["user_id"].tolist()[:6] == ["u002", "u002", "u001", "u001", "u000", "u000"]


def test_a_likely_day_comes_before_one_with_a_little_more_money() -> None:
    ranked = with_priority(
        flags().assign(probability=lambda frame: np.where(frame["user_id"] == "u000", 0.99, 0.001)),
        np.random.default_rng(1),
    )
    assert ranked["user_id"].iat[0] == "u000"


def test_one_in_a_hundred_of_the_unflagged_accounts_is_drawn_and_never_a_flagged_one() -> None:
    ranked = with_priority(flags(), np.random.default_rng(1))
    drawn = ranked[ranked["is_sample"]]
    assert len(drawn) == drawn["user_id"].nunique() == 2
    assert not drawn["is_flagged"].any()


def test_the_same_seed_draws_the_same_sample() -> None:
    once, again = (with_priority(flags(), np.random.default_rng(4)) for _ in range(2))
    pd.testing.assert_frame_equal(once, again)


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("text", [*(f"{start}cmd" for start in FORMULA_STARTS), 'u";=1+1;"', "u; =1+1"])
def test_no_cell_of_the_csv_is_run_as_a_formula(text: str, separator: str) -> None:
    bad = flags(3).assign(user_id=text, reasons=pd.Series([["a", text]] * 6))
    written = to_csv(review_list(with_priority(bad, np.random.default_rng(1))))
    cells = [cell for row in csv.reader(io.StringIO(written, newline=""), delimiter=separator) for cell in row]
    assert not any(cell.lstrip().startswith(FORMULA_STARTS) for cell in cells)


def test_what_both_flag_always_outranks_what_one_flags() -> None:
    one = hybrid_score(np.array([1.0, 0.0]), np.array([0.49, 1.0]))
    both = hybrid_score(np.array([0.5]), np.array([0.5]))
    assert one.max() < both.min()
