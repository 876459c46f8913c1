"""The arena on a small world: a family of the user's own is simulated, left out of training, and tested."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest

from contracts.labels import FAMILIES
from models.arena.tables import TEST, deal_accounts
from ops.arena.run import ArenaOptions, format_results, make_folds, make_scenario, run_arena
from producer.simulator.bots import BOTS, FAMILY_NAMES
from producer.simulator.bots.own_families import FamilyError, load_families
from producer.simulator.scenario import ScenarioError

SCENARIO = """
profile = "field"
prevalence = 0.2
difficulty = 0.1
[families]
loop30 = { accounts = 2 }
marathon = { accounts = 2 }
single_loop = { accounts = 1 }
[negatives]
superfan = 0.05
"""
OWN = '''"""my_timer: a session every 11 hours."""
from producer.simulator.bots.every_17h import Every17h


class Timer(Every17h):
    name = "my_timer"
'''


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with one family; what it registers is gone after the test."""
    place = tmp_path / "my families"
    place.mkdir()
    (place / "timer.py").write_text(OWN)
    yield place
    for known in (BOTS, FAMILIES):
        known.pop("my_timer", None)
    if "my_timer" in FAMILY_NAMES:
        FAMILY_NAMES.remove("my_timer")


def test_a_family_of_a_folder_is_left_out_tested_and_written_with_the_promised_keys(
    folder: Path, tmp_path: Path
) -> None:
    scenario = tmp_path / "tiny.toml"
    scenario.write_text(SCENARIO)
    options = ArenaOptions(users=160, days=14, seed=3, scenario=str(scenario))
    results = run_arena(tmp_path / "arena", options, folder, (), lambda line: None)
    written = orjson.loads((tmp_path / "arena" / "results.json").read_bytes())
    assert written["families"].keys() == {"my_timer"}
    entry = written["families"]["my_timer"]
    assert {"recall_at_fpr_0001", "caught_by", "days_to_first_flag"} <= entry.keys()
    assert entry["caught_by"].keys() == {"sessions", "days", "windows", "groups", "rules"}
    assert 0 <= written["macro_recall"] <= 1
    assert 0 <= written["false_alarms_per_100_person_days"] < 10
    assert any(line.startswith("my_timer") for line in format_results(results))


def test_no_account_of_a_left_out_family_is_trained_on_and_a_campaign_stays_together(folder: Path) -> None:

    accounts = pd.DataFrame(
        {
            "user_id": [f"u{i}" for i in range(400)],
            "campaign_id": [f"c{i // 10}" if i < 200 else None for i in range(400)],
            "family": ["new"] * 100 + ["old"] * 100 + ["honest"] * 200,
            "cohort": "regular",
        }
    )
    part = deal_accounts(accounts, {"new"}, np.random.default_rng(1))
    assert set(part[:100]) == {TEST}
    assert set(part[200:]) == {0, 1, 2}
    assert all(len(set(part[i : i + 10])) == 1 for i in range(100, 200, 10))


def test_without_families_of_ones_own_every_built_in_one_is_left_out_once() -> None:
    scenario = make_scenario(ArenaOptions(), ())
    folds = make_folds(scenario, (), ())
    assert sorted(name for fold in folds for name in fold) == sorted(scenario.families)


def test_a_file_without_a_family_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("class Nothing:\n    name = 'x'\n")
    with pytest.raises(FamilyError, match=r"empty.py: no bot family in it: class Nothing lacks accounts"):
        load_families(tmp_path)
    (tmp_path / "empty.py").write_text("1 / 0")
    with pytest.raises(FamilyError, match=r"empty.py cannot be run: ZeroDivisionError"):
        load_families(tmp_path)


def test_a_family_that_no_scenario_has_is_refused_before_a_world_is_made() -> None:
    scenario = make_scenario(ArenaOptions(), ())
    with pytest.raises(ScenarioError, match="--left-out: 'fram' is none of loop30, "):
        make_folds(scenario, (), ["fram"])
