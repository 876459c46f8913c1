"""From counts to lines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer_viz.feed.counts import PlotBatch, Snapshot
from consumer_viz.feed.messages import Alert, FraudWindow
from consumer_viz.plot.series import (
    MAX_POINTS,
    SLIDE_S,
    batch_series,
    break_at_pauses,
    flag_series,
    point_width,
    running_mean,
)

NOW = 1_795_000_000


def snapshot(*batches: PlotBatch, windows: tuple[FraudWindow, ...] = (), at: float = NOW) -> Snapshot:
    return Snapshot(at, batches, windows)


def window(end: int, flagged: int) -> FraudWindow:
    return FraudWindow(end - 120, end, 100, flagged, 0, 0)


def test_alerts_are_counted_in_the_two_minutes_of_each_window() -> None:
    alerts = tuple(Alert(str(at), NOW + at, NOW + at - 3.0) for at in (-129.0, -120.0, -30.0, 0.0))
    shown = Snapshot(NOW + 5, windows=(window(NOW - 10, 0), window(NOW, 0)), alerts=alerts)
    assert flag_series(shown, NOW - 60, NOW + 5).alerts.tolist() == [3, 2]


def test_a_short_last_batch_and_a_batch_sent_twice_stand_at_the_same_height_as_the_others() -> None:
    whole, last, twice = PlotBatch(1, 0, 200, 120, 600), PlotBatch(2, 1, 50, 30, 150), PlotBatch(3, 2, 400, 240, 1200)
    drawn = batch_series(snapshot(whole, last, twice), 0, 10, is_live=False, span_s=600)
    assert drawn.successes.tolist() == [120, 120, 120]
    assert drawn.companion.tolist() == [600, 600, 600]


def test_batches_of_one_second_are_their_mean_on_a_long_axis_and_spread_in_order_on_a_short_one() -> None:
    batches = [PlotBatch(5, number, 200, streams, 400) for number, streams in enumerate((100, 120, 140, 160))]
    long_axis = batch_series(snapshot(*batches), 0, 10, is_live=False, span_s=600)
    assert (long_axis.successes.tolist(), long_axis.point_width_s, long_axis.batches) == ([130], 1, 4)
    short_axis = batch_series(snapshot(*batches), 0, 10, is_live=False, span_s=2)
    assert short_axis.successes.tolist() == [100, 120, 140, 160]
    assert short_axis.x.tolist() == [5, 5.25, 5.5, 5.75]


def test_a_live_line_ends_before_the_batch_that_still_arrives() -> None:
    batches = [PlotBatch(NOW - age, 0, 200, 100, 0 if age < 2 else 300) for age in (5, 4, 3, 2, 1, 0)]
    assert batch_series(snapshot(*batches), NOW - 60, NOW, is_live=True, span_s=600).x.tolist() == [
        NOW - 5,
        NOW - 4,
        NOW - 3,
    ]


def test_a_point_without_plays_or_without_activity_is_a_gap_not_a_zero() -> None:
    drawn = batch_series(
        snapshot(PlotBatch(1, 0, 0, 0, 50), PlotBatch(2, 0, 200, 90, 0)), 0, 10, is_live=False, span_s=600
    )
    assert np.isnan(drawn.companion).all()
    assert np.isnan(drawn.successes[0])
    assert drawn.successes[1] == 90


def test_nothing_sent_draws_nothing() -> None:
    drawn = batch_series(snapshot(), 0, 10, is_live=False, span_s=10)
    assert len(drawn.x) == len(drawn.successes) == len(drawn.companion) == 0
    assert len(break_at_pauses(drawn.x, drawn.successes, running_mean(drawn.successes), point_width_s=1)[2]) == 0


@given(st.floats(0.1, 300_000))
def test_no_axis_has_more_points_than_the_bound(span_s: float) -> None:
    assert span_s / point_width(span_s) <= MAX_POINTS


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9), st.integers(0, 200)), max_size=60))
def test_streams_per_batch_stay_within_0_and_200_and_time_ascends(sent: list[tuple[int, int, int]]) -> None:
    batches = sorted({(ts, number): PlotBatch(ts, number, 200, streams, 1) for ts, number, streams in sent}.values())
    drawn = batch_series(snapshot(*batches), 0, 400, is_live=False, span_s=30)
    assert ((drawn.successes >= 0) & (drawn.successes <= 200)).all()
    assert (np.diff(drawn.x) > 0).all()
    assert drawn.batches == len(batches)


def test_a_pause_in_sending_breaks_the_line_and_the_usual_spacing_does_not() -> None:
    every_three = np.arange(0.0, 30, 3)
    assert not np.isnan(break_at_pauses(every_three, every_three, point_width_s=1)[1]).any()
    paused = np.append(every_three, 100.0)
    assert np.isnan(break_at_pauses(paused, paused, point_width_s=1)[1]).sum() == 1


def test_silent_windows_are_zero_by_the_clock_once_they_can_no_longer_come() -> None:
    start = NOW - 200
    drawn = flag_series(snapshot(windows=(window(start, 3), window(start + 30, 5))), NOW - 600, NOW)
    assert drawn.flagged[:5].tolist() == [3, 0, 0, 5, 0]
    assert drawn.edges[0] == start
    assert drawn.edges[-2] == NOW - 30  # those that ended since are unknown, not zero
    assert (np.diff(drawn.edges) == SLIDE_S).all()


def test_a_window_that_has_not_ended_is_not_drawn() -> None:
    drawn = flag_series(snapshot(windows=(window(NOW, 3), window(NOW + 10, 9))), NOW - 600, NOW)
    assert drawn.flagged.tolist() == [3]


def test_windows_before_the_axis_and_absurd_ones_cost_nothing() -> None:
    drawn = flag_series(snapshot(windows=(window(130, 9), window(NOW, 3), window(2**40, 9))), NOW - 600, NOW)
    assert len(drawn.flagged) == 61
    assert drawn.flagged[-1] == 3


@pytest.mark.parametrize("ends", [(), (NOW + 500,)])
def test_without_an_ended_window_there_are_no_flags(ends: tuple[int, ...]) -> None:
    assert len(flag_series(snapshot(windows=tuple(window(end, 1) for end in ends)), NOW - 600, NOW).flagged) == 0
