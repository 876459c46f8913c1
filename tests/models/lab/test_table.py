"""From raw activity to pairs of actions by local day, and tables that another version made."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contracts.events import ACTIONS
from models.lab.actions import PAIRS, count_pairs
from models.lab.table import read_user_days
from models.tables.user_day_index import UserDayIndex
from runtime.units import DAY_MS, HOUR_MS
from runtime.world import World, WorldError


def test_pairs_stay_within_a_client_session_and_fall_on_the_local_day_of_their_second_action() -> None:
    index = UserDayIndex(pd.Series(["a", "a", "b"]), np.array([10, 11, 10]), pd.Series({"a": "Asia/Tokyo", "b": "UTC"}))
    start, skip, end = (ACTIONS.index(action) for action in ("start", "skip", "end"))
    midnight_in_tokyo = 11 * DAY_MS - 9 * HOUR_MS
    rows = [
        ("a", "s", midnight_in_tokyo - 2, start),
        ("a", "s", midnight_in_tokyo - 1, skip),
        ("a", "s", midnight_in_tokyo, skip),
        ("b", "t", 10 * DAY_MS, start),
        ("b", "u", 10 * DAY_MS + 1, end),  # another session: no pair
        ("c", "v", 10 * DAY_MS, start),  # an account that the table has no day of
        ("c", "v", 10 * DAY_MS + 1, end),
    ]
    block = pd.DataFrame(rows, columns=["user_id", "session_id", "event_ms", "action"])
    counts = count_pairs([block], index, 3)
    assert counts.shape == (3, PAIRS)
    assert counts[0, start * len(ACTIONS) + skip] == 1
    assert counts[1, skip * len(ACTIONS) + skip] == 1
    assert counts.sum() == 2
    in_pieces = count_pairs([block.iloc[:1], block.iloc[1:2], block.iloc[2:]], index, 3)
    np.testing.assert_array_equal(in_pieces, counts)


def test_a_world_without_user_days_names_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="playproof days build --world w --source raw"):
        read_user_days(World(tmp_path / "w"))


def test_user_days_of_another_version_are_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "w" / "user_days"
    folder.mkdir(parents=True)
    pd.DataFrame({"user_id": ["a"], "local_date": ["2025-03-03"]}).to_parquet(folder / "part.parquet")
    (folder / "_SUCCESS").touch()
    with pytest.raises(WorldError, match="another version"):
        read_user_days(World(tmp_path / "w"))
