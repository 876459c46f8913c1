"""Marking where the counts look like bots."""

import numpy as np
import pytest

from consumer_viz.plot.attack import WARM_UP_POINTS, detect_attacks, flags_risen_at
from consumer_viz.plot.series import BatchSeries, FlagSeries


def counts(n: int = 400, seed: int = 0, **changes: tuple[int, int, float]) -> BatchSeries:
    """Make honest counts; `streams=(from, to, factor)` and `activity=…` change a stretch."""
    rng = np.random.default_rng(seed)
    lines = {"streams": rng.normal(124, 7, n), "activity": rng.normal(620, 45, n)}
    for name, (start, end, factor) in changes.items():
        lines[name][start:end] *= factor
    return BatchSeries(np.arange(n, dtype=float), lines["streams"], lines["activity"], 1, n, np.full(n, 200.0))


@pytest.mark.parametrize("seed", range(40))
def test_honest_counts_look_like_nothing(seed: int) -> None:
    assert detect_attacks(counts(seed=seed)).attacks == ()


@pytest.mark.parametrize("seed", range(20))
def test_streams_up_and_activity_down_is_marked_where_it_starts_and_ends(seed: int) -> None:
    (attack,) = detect_attacks(counts(seed=seed, streams=(200, 300, 1.15), activity=(200, 300, 0.8))).attacks
    assert attack.start == pytest.approx(200, abs=8)
    assert attack.end == pytest.approx(299, abs=8)
    assert attack.is_over
    assert attack.streams == pytest.approx(1.15, abs=0.05)
    assert attack.activity == pytest.approx(0.8, abs=0.05)


def test_an_attack_that_goes_on_is_not_over_and_does_not_become_the_usual() -> None:
    detection = detect_attacks(counts(streams=(100, 400, 1.15), activity=(100, 400, 0.8)))
    (attack,) = detection.attacks
    assert not attack.is_over
    assert detection.usual_streams[-1] == pytest.approx(124, abs=4)


def test_more_of_everything_is_not_an_attack() -> None:
    assert detect_attacks(counts(streams=(200, 300, 1.15), activity=(200, 300, 1.3))).attacks == ()


def test_a_slow_drift_is_usual() -> None:
    series = counts(n=600)
    drift = 1 + 0.1 * np.arange(600) / 600
    assert (
        detect_attacks(BatchSeries(series.x, series.successes * drift, series.companion, 1, 600, series.master)).attacks
        == ()
    )


def test_a_single_wild_point_is_not_an_attack() -> None:
    assert detect_attacks(counts(streams=(200, 201, 1.4))).attacks == ()


def test_two_attacks_are_told_apart() -> None:
    series = counts(streams=(100, 150, 1.25))
    series.successes[250:300] *= 1.25
    assert [round(a.start, -1) for a in detect_attacks(series).attacks] == [100, 250]


@pytest.mark.parametrize("n", [0, 1, WARM_UP_POINTS - 1])
def test_too_few_points_say_nothing(n: int) -> None:
    detection = detect_attacks(counts(n=n))
    assert detection.attacks == ()
    assert len(detection.usual_streams) == n
    assert np.isnan(detection.usual_streams).all()


def test_counts_that_never_vary_raise_no_alarm_and_no_warning() -> None:
    flat = np.full(200, 100.0)
    assert detect_attacks(BatchSeries(np.arange(200.0), flat, 0 * flat, 1, 200, flat)).attacks == ()


def test_flags_rise_where_they_clearly_exceed_what_was_before_the_attack() -> None:
    ends = np.arange(0.0, 210, 10)
    flags = FlagSeries(
        ends,
        np.array([1, 0, 2, 1, 0, 1, 2, 0, 1, 1, 2, 3, 9, 14, 20, 22, 21, 20, 19, 20.0]),
        np.zeros(20),
        np.zeros(20),
    )
    assert flags_risen_at(flags, 90) == 120
    assert flags_risen_at(flags, 300) is None
