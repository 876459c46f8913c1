"""The search and its measure, on families that are functions."""

import numpy as np
import pandas as pd
import pytest

from models.adversary.dials import SPACES, Dial, Params, Space, space_of
from models.adversary.outcome import Outcome, measure, pooled
from models.adversary.search import Candidate, Evaluate, search
from models.errors import ModelError
from producer.simulator.bots import BOTS
from producer.simulator.scenario import SHARED_PARAMS

SPACE = Space(Dial("hours", 0.1, 10, is_log=True), (Dial("cover", 0, 1), Dial("tracks", 1, 100, is_log=True)))


def _outcome(flagged: float) -> Outcome:
    return Outcome(10, 5.0, flagged / 2, flagged, {"rules": flagged}, 28 * (1 - flagged), 10.0, flagged)


def _noticed_far_from(best: float) -> Evaluate:
    def evaluate(params: Params) -> tuple[Params, Outcome] | None:
        return params, _outcome(0.2 + abs(params["cover"] - best) * 0.8)

    return evaluate


def test_the_search_comes_close_to_the_best_and_the_same_seed_finds_the_same() -> None:
    found = [search(SPACE, _noticed_far_from(0.7), np.random.default_rng(3), 40)[0] for _ in range(2)]
    assert found[0] is not None
    assert abs(found[0].params["cover"] - 0.7) < 0.05
    assert found[0] == found[1]


def test_the_search_stops_where_nobody_is_flagged_and_has_no_winner_where_nothing_delivers() -> None:
    start = Candidate({"cover": 0.5, "tracks": 0.5}, {"cover": 0.5}, _outcome(0.0))
    assert search(SPACE, lambda params: None, np.random.default_rng(1), 5, [start]) == (start, 0)
    assert search(SPACE, lambda params: None, np.random.default_rng(1), 5) == (None, 5)


def test_positions_stay_within_the_range_of_a_dial() -> None:
    rng = np.random.default_rng(1)
    positions = SPACE.draw(rng)
    for _ in range(200):
        positions = SPACE.perturb(positions, 0.5, rng)
    assert 0 <= min(positions.values()) <= max(positions.values()) <= 1


def test_every_dial_is_a_parameter_of_its_family() -> None:
    for family, space in SPACES.items():
        names = {dial.name for dial in (space.volume, *space.dials)}
        assert names <= {*BOTS[family].params, *SHARED_PARAMS}, family
    with pytest.raises(ModelError, match=r"no dials for family 'boost': the adversary knows farm, "):
        space_of("boost")


def test_a_flag_counts_from_the_first_paid_stream_and_streams_count_until_the_day_of_the_flag() -> None:
    paid = pd.DataFrame({"user_id": ["a"] * 6 + ["b"] * 2, "day": [10, 10, 12, 13, 14, 40, 10, 11]})
    flags = pd.DataFrame(
        {"user_id": ["a", "a", "a", "b"], "day": [5, 13, 20, 38], "detector": ["rules", "days", "rules", "days"]}
    )
    outcome = measure(["a", "b", "c"], paid, flags, ("rules", "days"), days=28)
    assert outcome.flagged_7 == outcome.flagged_28 == pytest.approx(1 / 3)  # b is flagged on its 29th day, c never
    assert outcome.by_detector == {"rules": pytest.approx(1 / 3), "days": pytest.approx(1 / 3)}
    assert outcome.streams_before_flag == pytest.approx((4 + 2) / 3)
    assert outcome.days_before_flag == pytest.approx((3 + 28 + 28) / 3)
    assert outcome.streams_per_account_day == pytest.approx(8 / (3 * 28))
    assert pooled([outcome, outcome]).streams_before_flag == outcome.streams_before_flag
    assert pooled([outcome, outcome]).accounts == 6
