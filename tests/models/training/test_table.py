"""The files of a training table say of which world they are."""

from pathlib import Path

import pandas as pd

from models.training.table import describe_worlds, write_training_table

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
