"""The files of a training table: of which world they are, and what somebody's own table must hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contracts.features import FEATURE_NAMES
from models.errors import ModelError
from models.training.table import describe_worlds, read_training_table, read_training_tables, write_training_table

ROWS = pd.DataFrame({"user_id": ["a"], "started_at": [pd.Timestamp("2025-03-03", tz="UTC")]})


def test_a_card_names_the_worlds_that_its_tables_are_of(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b", "old")]
    for folder in folders[:2]:
        write_training_table(ROWS, folder, f"tr-{folder.name}")
    assert describe_worlds(folders[:1]) == "world tr-a"
    assert describe_worlds(folders[:2]) == "worlds tr-a and tr-b"
    folders[2].mkdir()
    ROWS.to_parquet(folders[2] / "part.parquet")
    assert describe_worlds(folders) == f"table {' and '.join(map(str, folders))}", "one of them names no world"


def own_table(folder: Path, **changes: Any) -> Path:
    """Three labelled sessions, with columns changed."""
    known = {"user_id": ["a", "b", "c"], "campaign_id": None, "family": "honest", "cohort": "regular"}
    times = pd.date_range("2025-03-03", periods=3, freq="h")
    rows = pd.DataFrame(known | {"label": [1.0, 0.0, None], "started_at": times} | dict.fromkeys(FEATURE_NAMES, 1.0))
    write_training_table(rows.assign(**changes), folder, "mine")
    return folder


def test_a_table_of_ones_own_is_read_with_labels_as_numbers_or_as_true_and_false(tmp_path: Path) -> None:
    assert read_training_table(own_table(tmp_path / "a"))["label"].tolist()[:2] == [1, 0]
    assert read_training_table(own_table(tmp_path / "b", label=[True, False, True]))["label"].sum() == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": ["fraud", "honest", None]}, r"label fraud in 2 of 3 rows; expected 1 \(fraud\), 0 or null"),
        ({"label": [1, -1, -1]}, r"label -1 in 2 of 3 rows; expected 1 \(fraud\), 0 or null"),
        ({"user_id": ["a", None, "c"]}, "rows without a user_id: 1"),
        ({"started_at": "2025-03-03"}, "started_at is of type object, expected timestamps"),
        ({"plays": "many"}, "plays has values that are no numbers"),
        ({"plays": np.inf}, "plays has infinite values; what could not be measured is null"),
    ],
)
def test_a_table_of_ones_own_that_holds_something_else_is_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=rf"^training table mine: {message}$"):
        read_training_table(own_table(tmp_path / "mine", **changes))


def test_a_table_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    folder = own_table(tmp_path / "mine")
    with pytest.raises(ModelError, match="given twice"):
        read_training_tables([folder, tmp_path / "x" / ".." / "mine"])
