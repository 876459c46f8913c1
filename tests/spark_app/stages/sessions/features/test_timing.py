"""Features of when plays begin and end, on small sessions computed by hand."""

from itertools import accumulate
from math import sqrt

import pytest

from spark_app.stages.sessions.features.timing import MIN_GAP_PAIRS, MIN_GAPS
from tests.spark_app.items import Item, did, heard, session_row


def with_gaps(*gap_s: float, listen_s: float = 5) -> list[Item]:
    """Plays with these times from start to start."""
    return [heard(start, listen_s) for start in accumulate(gap_s, initial=0)]


def test_duty_is_the_share_of_the_span_with_at_least_one_play_running() -> None:
    assert session_row(heard(0, 30), heard(60, 30))["duty"] == pytest.approx(60 / 90)
    assert session_row(heard(0, 30), heard(60, 30), did("search", 120))["duty"] == 0.5


def test_plays_at_once_fill_the_time_once_and_the_rest_is_overlap() -> None:
    features = session_row(heard(0, 60), heard(30, 60), heard(40, 10), heard(100, 20))
    assert (features["overlap_s"], features["duty"]) == (40, pytest.approx(110 / 120))


def test_a_play_inside_a_longer_one_does_not_end_it() -> None:
    assert session_row(heard(0, 100), heard(10, 10), heard(50, 50))["overlap_s"] == 60


def test_plays_one_after_another_do_not_overlap() -> None:
    assert session_row(heard(0, 30), heard(30, 30))["overlap_s"] == 0


def test_duty_of_a_single_moment_is_not_measurable() -> None:
    assert session_row(did("search", 5))["duty"] is None


def test_pause_mean_is_the_silence_before_each_play_but_the_first() -> None:
    # 10 s of silence, then none: the third begins while the second runs, and ends before it
    assert session_row(heard(0, 30), heard(40, 60), heard(50, 10), heard(130, 5))["pause_mean_s"] == pytest.approx(
        40 / 3
    )


def test_gap_entropy_is_0_for_a_timer_and_1_bit_for_two_equal_bins() -> None:
    assert session_row(*with_gaps(30, 30, 30, 30))["gap_entropy"] == 0
    assert session_row(*with_gaps(10, 90, 10, 90))["gap_entropy"] == 1
    assert session_row(*with_gaps(10, 40, 160, 640))["gap_entropy"] == 2


def test_gap_entropy_bins_by_half_octaves() -> None:
    # 32 and 45 s lie in one bin of 2**5 to 2**5.5, 46 s in the next
    assert session_row(*with_gaps(32, 45, 32, 45))["gap_entropy"] == 0
    assert session_row(*with_gaps(32, 46, 32, 46))["gap_entropy"] == 1


def test_modal_gap_share_rounds_to_the_second() -> None:
    assert session_row(*with_gaps(30.2, 29.8, 60, 90))["modal_gap_share"] == 0.5


def test_burstiness_is_minus_1_for_a_timer_and_grows_with_the_spread() -> None:
    assert session_row(*with_gaps(30, 30, 30, 30))["gap_burstiness"] == -1
    sd = sqrt(300)
    assert session_row(*with_gaps(10, 10, 10, 50))["gap_burstiness"] == pytest.approx((sd - 20) / (sd + 20))


def test_memory_is_minus_1_where_long_and_short_gaps_alternate() -> None:
    assert session_row(*with_gaps(10, 100, 10, 100, 10, 100, 10, 100, 10))["gap_memory"] == pytest.approx(-1)


def test_memory_is_1_where_gaps_grow_by_a_constant_factor() -> None:
    assert session_row(*with_gaps(*(2.0**i for i in range(1, 10))))["gap_memory"] == pytest.approx(1)


def test_memory_of_equal_gaps_is_not_measurable() -> None:
    assert session_row(*with_gaps(*[30.001] * 20))["gap_memory"] is None


@pytest.mark.parametrize("name", ["gap_entropy", "modal_gap_share", "gap_burstiness"])
def test_distributions_need_4_gaps(name: str) -> None:
    assert session_row(*with_gaps(*[30] * (MIN_GAPS - 1)))[name] is None
    assert session_row(*with_gaps(*[30] * MIN_GAPS))[name] is not None


def test_memory_needs_8_pairs_of_gaps() -> None:
    gaps = [10, 20, 15, 40, 12, 31, 18, 22, 60]
    assert session_row(*with_gaps(*gaps[:MIN_GAP_PAIRS]))["gap_memory"] is None
    assert session_row(*with_gaps(*gaps[: MIN_GAP_PAIRS + 1]))["gap_memory"] is not None


def test_gaps_are_between_starts_whatever_was_heard() -> None:
    assert session_row(heard(0, 29), heard(30, 3), heard(60, 60), heard(90, 0), heard(120, 7))["modal_gap_share"] == 1


def test_all_plays_at_the_same_moment_have_gaps_of_0() -> None:
    features = session_row(*(heard(0, 40, track) for track in "abcdefghijkl"))
    assert (features["gap_entropy"], features["modal_gap_share"], features["gap_burstiness"]) == (0, 1, None)
    assert (features["gap_memory"], features["pause_mean_s"], features["overlap_s"]) == (None, 0, 440)


def test_activity_is_no_gap() -> None:
    plays = with_gaps(30, 30, 30, 30)
    assert session_row(*plays, did("search", 7))["modal_gap_share"] == 1
