"""What the fusion is fitted on, of a small world: scores without the family, and accounts as sources tell."""

from pathlib import Path

from models.fusion.evidence import DAY, EVIDENCE, GROUP
from ops.fusion.rescore import read_fusion_world
from producer.simulator.command import simulate
from producer.simulator.scenario import load_scenario
from runtime.world import World

SCENARIO = """
profile = "field"
prevalence = 0.2
difficulty = 0.1
[families]
loop30 = { accounts = 2 }
single_loop = { accounts = 1 }
"""


def test_bots_are_scored_without_their_family_and_all_accounts_as_a_source_without_fields(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(SCENARIO)
    world = World(tmp_path / "small world")
    simulate(world, load_scenario(str(tmp_path / "tiny.toml"), users=90, days=8, seed=3))
    read = read_fusion_world(world, 1, lambda line: None, leaves_out=True, masks=("scrobbles",))
    assert read.evidence[["session", "week", DAY]].notna().any().all()
    is_bot = read.days["family"] != "honest"
    assert read.left_out is not None
    own = [name for name in EVIDENCE if name != GROUP]
    assert read.left_out.loc[~is_bot].isna().all(axis=None)
    assert read.left_out.loc[is_bot, own].notna().any().all()
    assert read.left_out[own].max().max() <= 5
    told = read.masked["scrobbles"]
    assert told[DAY].isna().all()
    assert told.loc[~is_bot, "week"].notna().any()
    assert told.loc[is_bot, "week"].notna().any()
