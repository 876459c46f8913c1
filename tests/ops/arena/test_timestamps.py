"""The arena with timestamps only: nothing but account and time is read; trees, features and entropies are measured."""

import math
from pathlib import Path

import pyarrow.compute as pc

from ops.arena.run import simulated_world
from ops.arena.timestamps import KEPT, format_timestamps, measure_timestamps, only_timestamps
from producer.simulator.scenario import load_scenario
from spark_app.local.rows import read_world_rows

SCENARIO = """
profile = "field"
prevalence = 0.2
difficulty = 0.1
[families]
loop30 = { accounts = 2 }
farm = { accounts = 2 }
marathon = { accounts = 2 }
"""


def test_a_log_of_times_is_measured_by_family_with_trees_features_and_entropies(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(SCENARIO)
    scenario = load_scenario(str(tmp_path / "tiny.toml"), users=90, days=10, seed=3)
    with simulated_world(scenario, lambda line: None) as world:
        masked = only_timestamps(read_world_rows(world))
        results = measure_timestamps(world, [["loop30"], ["farm"]], 1, lambda line: None)
    known = [name for name in masked.plays.column_names if masked.plays[name].null_count < len(masked.plays)]
    assert sorted(known) == sorted(KEPT)
    assert not pc.any(pc.is_valid(masked.users["timezone"])).as_py()
    assert not len(masked.activity)
    assert results["detectors"].keys() == {"trees", "shipped trees"}
    assert results["detectors"]["trees"].keys() == {"loop30", "farm"}
    assert results["detectors"]["trees"]["farm"]["auc"]["value"] > 0.9
    assert results["features"]["gap_regularity"]["high_is_bot"]
    week = results["entropy_of_gaps"]["7 days"]
    assert all(math.isfinite(week[kind]["farm"]["auc"]["value"]) for kind in ("raw", "normalised"))
    assert any(line.startswith("farm") for line in format_timestamps(results))
