"""The measures: features of a hand-made session, and that a planted give-away is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.simulator.bots import FAMILY_NAMES
from producer.simulator.measure.calibration.acceptance import Line
from producer.simulator.measure.calibration.statistics import top_share, zipf_exponent
from producer.simulator.measure.groups import Groups, entropy_by_group
from producer.simulator.measure.leaks import auc, by_words, either_way, feature_pairs
from producer.simulator.measure.unit_features import play_features
from producer.simulator.measure.units import Units


def plays(**columns: list[float]) -> dict[str, np.ndarray]:
    """Plays of one account with defaults; give the columns that matter."""
    n = len(next(iter(columns.values())))
    defaults = {
        "time": np.arange(1, n + 1) * 200_000, "listen": np.full(n, 200_000), "duration": np.full(n, 200_000),
        "start_code": np.zeros(n), "end_code": np.zeros(n), "artist": np.zeros(n), "track": np.zeros(n),
        "popularity": np.full(n, -4.0), "device": np.zeros(n), "ip": np.zeros(n), "country": np.zeros(n),
        "network": np.zeros(n), "local": np.full(n, 12 * 3_600_000),
    }  # fmt: skip
    found = {name: np.asarray(columns.get(name, value)) for name, value in defaults.items()}
    return {k: v if k == "popularity" else v.astype(np.int64) for k, v in found.items()}


def features(**columns: list[float]) -> dict[str, float]:
    rows = plays(**columns)
    n = len(rows["time"])
    return {name: float(value[0]) for name, value in play_features(rows, Groups(np.zeros(n, np.int64), 1)).items()}


def test_duty_is_one_without_silence_and_a_half_with_as_much_silence_as_music() -> None:
    assert features(time=[200_000, 400_000])["duty"] == 1
    assert features(time=[200_000, 600_000], listen=[200_000, 200_000])["duty"] == pytest.approx(2 / 3)


def test_two_plays_at_once_overlap_by_the_shorter() -> None:
    assert features(time=[200_000, 250_000], listen=[200_000, 200_000])["overlap_s"] == pytest.approx(150)


def test_a_loop_of_two_tracks_has_a_loop_share_near_one() -> None:
    assert features(track=[1, 2] * 10)["loop_share"] == pytest.approx(0.9)


def test_plays_of_30_to_35_seconds_are_counted_with_the_first_and_without_the_last() -> None:
    assert features(listen=[29_999, 30_000, 34_999, 35_000])["share_30_35"] == 0.5


def test_concentration_is_one_for_one_artist_and_a_half_for_two() -> None:
    assert features(artist=[3, 3])["artist_hhi"] == 1
    assert features(artist=[3, 4])["artist_hhi"] == 0.5


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=4, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    values = np.array([value for value, _ in rows], dtype=float)
    is_bot = np.array([bot for _, bot in rows])
    if is_bot.all() or not is_bot.any():
        return
    above = values[is_bot][:, None] - values[~is_bot][None, :]
    assert auc(values, is_bot) == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())


def test_a_planted_give_away_is_found_whether_high_or_low() -> None:
    is_bot = np.arange(200) < 50
    assert either_way(np.where(is_bot, -1.0, 0.0), is_bot) == 1
    assert by_words(np.where(is_bot, 3, 0), is_bot, np.arange(200) % 2 == 0) == 1


def test_a_column_that_says_nothing_scores_a_half() -> None:
    rng = np.random.default_rng(1)
    is_bot = rng.random(4000) < 0.3
    assert by_words(rng.integers(0, 16, 4000), is_bot, np.arange(4000) % 2 == 0) == pytest.approx(0.5, abs=0.04)


def test_only_the_exempt_family_may_be_given_away_by_one_feature() -> None:
    family = np.repeat([0, FAMILY_NAMES.index("loop30"), FAMILY_NAMES.index("farm")], 40)
    units = Units({"plays": family.astype(float)}, np.arange(120), family)
    leaks = {pair.family: pair.is_leak for pair in feature_pairs(units, "session")}
    assert leaks == {"loop30": False, "farm": True}


def test_a_family_with_too_few_units_gets_no_figure() -> None:
    family = np.repeat([0, FAMILY_NAMES.index("farm")], [100, 5])
    assert feature_pairs(Units({"plays": family.astype(float)}, np.arange(105), family), "session") == []


def test_the_zipf_exponent_of_a_power_law_is_its_exponent() -> None:
    counts = (1e7 * np.arange(1, 2001.0) ** -0.9).astype(np.int64)
    assert zipf_exponent(counts) == pytest.approx(0.9, abs=0.01)


def test_equal_counts_have_a_top_percent_of_one_percent() -> None:
    assert top_share(np.full(100, 7)) == pytest.approx(0.01)


def test_entropy_is_by_group() -> None:
    assert entropy_by_group(np.array([0, 0, 1]), np.array([1, 2, 2]), 2).tolist() == [1.0, 0.0]


def test_a_line_passes_on_its_bounds_and_fails_beyond() -> None:
    assert Line("x", "", 1.0, 1.0, 2.0).is_met
    assert not Line("x", "", 0.999, 1.0, 2.0).is_met
