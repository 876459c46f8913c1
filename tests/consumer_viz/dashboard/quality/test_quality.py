"""Page Quality."""

from pathlib import Path

import pandas as pd

from consumer_viz.dashboard.evidence.reasons import FEATURES
from consumer_viz.dashboard.index.sampling import draw
from consumer_viz.dashboard.quality.figures import by_reason
from consumer_viz.dashboard.state import AppState
from runtime.world import World
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import make_state


def test_a_random_share_of_the_unflagged_goes_to_review_with_its_probability(tmp_path: Path) -> None:
    lucky = next(u for u in (f"r{i}" for i in range(9999)) if draw(u, False, tiny_world.KEY)[0] == "random")
    world = World(tmp_path / "tiny")
    tiny_world.commit(world, "sessions", tiny_world.sessions([lucky, "honest1"], flagged=False))
    state = make_state(world)
    assert [case.user_id for case in state.cases.queue("sample", 9)] == [lucky]
    ana = Browser(state)
    ana.send(lucky, ana.form(lucky), verdict="confirm", reason="velocity")
    assert (state.store.all()[0].drawn_by, state.store.all()[0].draw_probability) == ("random", 0.015)
    assert "accounts missed, estimated</dt><dd>67" in ana.client.get("/quality").text


def test_a_feature_that_was_not_measured_is_no_reason_of_a_flag(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    reasons = [{"feature": "gap_entropy", "value": None, "contribution": 3.0},
               {"feature": "loop_share", "value": 0.9, "contribution": 1.0}]  # fmt: skip
    later = tiny_world.sessions([users[0]], first=60, hour=3).assign(reasons=pd.Series([reasons]))
    tiny_world.commit(state.world, "sessions", later)
    state.refresh()
    ana.confirm(users[0])
    named = {rate.name for rate in by_reason(state.index, state.store.all())}
    assert FEATURES["loop_share"].display_name in named
    assert FEATURES["gap_entropy"].display_name not in named
