"""The curve of evasion on a very small world: what is searched, delivered, written and refused."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from contracts.events import ACTIVITY, PLAYS
from models.adversary.dials import space_of
from models.adversary.figure import draw_evasion
from models.errors import ModelError
from ops.adversary.format import format_evasion
from ops.adversary.run import EvasionOptions, run_evasion
from ops.commands.arena import evade
from producer.simulator.build import build
from producer.simulator.listeners.activity import load_chains
from producer.simulator.plan import make_plan
from producer.simulator.scenario import load_scenario
from producer.simulator.some_accounts import simulate_accounts
from runtime.errors import PlayproofError
from runtime.world import World
from spark_app.local.rows import read_world_rows, world_rows

OPTIONS = EvasionOptions(honest=60, accounts=3, days=14, seed=5, evaluations=2, fresh=1, budgets=(4, 400))


def test_rows_of_some_accounts_are_those_of_the_world(tmp_path: Path) -> None:
    scenario = load_scenario(
        "field", users=80, days=3, seed=4, prevalence=0.1, families={"farm": {}, "hidden_target": {"donor": 0.9}}
    )
    plan = make_plan(scenario)
    world = World(tmp_path / "small world")
    build(scenario, world)
    written = read_world_rows(world)
    bots = simulate_accounts(plan, load_chains(), plan.campaign_of >= 0)
    rows = world_rows(bots.plays, bots.activity, written.tracks, bots.users)
    wanted = written.of_accounts(bots.users["user_id"].to_pylist())
    for topic in (PLAYS, ACTIVITY):
        mine, theirs = getattr(rows, topic), getattr(wanted, topic)
        assert len(mine) > 50
        assert mine.sort_by("id_hash").to_pylist() == theirs.sort_by("id_hash").to_pylist()
    assert rows.users.sort_by("user_id").to_pylist() == wanted.users.sort_by("user_id").to_pylist()
    assert 0 < len(bots.paid) <= len(bots.plays)


def test_a_search_writes_the_curve_with_the_promised_keys(tmp_path: Path) -> None:
    run_evasion(tmp_path / "arena", ["low_slow"], OPTIONS, lambda line: None)
    results = orjson.loads((tmp_path / "arena" / "evasion.json").read_bytes())
    low, high = results["families"]["low_slow"]["curve"]
    assert (low["budget"], high["budget"]) == (4, 400)
    assert high["params"] is None  # so many do not fit into a day of such sessions
    assert low["params"].keys() == {dial.name for dial in space_of("low_slow").dials} | {"sessions_a_day"}
    assert 4 <= low["search"]["streams_per_account_day"] <= 4.6
    assert low["fresh"]["accounts"] == 3
    assert 0 <= low["fresh"]["flagged_7"] <= low["fresh"]["flagged_28"] <= 1
    assert low["fresh"]["by_detector"].keys() == {"sessions", "rules", "forest", "days", "windows", "fused"}
    assert 0 <= results["families"]["low_slow"]["honest_flagged_28"]["any"] < 0.5
    lines = format_evasion(results)
    assert lines[1].startswith("low_slow")
    assert lines[2].endswith("not delivered")
    figure = draw_evasion(results)
    assert [axes.get_title() for axes in figure.axes] == ["How many are noticed", "What an account earns"]
    assert np.isfinite(figure.axes[1].lines[0].get_ydata()).all()


@pytest.mark.parametrize("text", ["", "ten", "5,-1", "5,0"])
def test_a_budget_that_is_no_whole_number_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(PlayproofError, match=r"--budgets: .*: expected whole numbers over 0 with commas"):
        evade(budgets=text)


@pytest.mark.parametrize(
    ("families", "reason"), [(["farm", "masked"], "no dials for family 'masked'"), ([], "no family to search: .*farm")]
)
def test_families_without_dials_are_refused_before_anything_is_simulated(
    families: list[str], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=reason):
        run_evasion(tmp_path, families, OPTIONS, lambda line: None)
    assert not (tmp_path / "evasion.json").exists()
