"""The families that detectors are only judged on: each does what its file says; none is known before it is loaded."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import producer.simulator.outside
from contracts.labels import FAMILIES
from producer.simulator.bots import BOTS, FAMILY_NAMES
from producer.simulator.bots.own_families import load_families
from producer.simulator.rows import Columns
from tests.producer.simulator.test_family_facts import accounts_of, plays_of

FOLDER = Path(producer.simulator.outside.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
HALF_AN_HOUR_MS = 30 * 60_000


@pytest.fixture(scope="module")
def outside() -> Iterator[tuple[str, ...]]:
    """Register the families; they are gone after these tests."""
    assert not set(NAMES) & BOTS.keys()
    yield load_families(FOLDER)
    for name in NAMES:
        BOTS.pop(name)
        FAMILIES.pop(name)
        FAMILY_NAMES.remove(name)


def paid_plays(family: str) -> list[Columns]:
    """Return the plays of each account that were paid for."""
    _, plays = plays_of(family)
    return accounts_of({name: column[plays["is_paid"]] for name, column in plays.items()})


def test_each_file_is_a_family_of_its_name(outside: tuple[str, ...]) -> None:
    assert sorted(outside) == NAMES
    assert all(paid_plays(name) for name in outside)


def test_a_night_guest_plays_while_its_owner_sleeps_and_repeats_hardly_a_track(outside: tuple[str, ...]) -> None:
    for plays in paid_plays("night_guest"):
        assert np.quantile(plays["hour"], [0.02, 0.9]) == pytest.approx([2.5, 4], abs=2.5)
        assert np.median(np.unique(plays["track"], return_counts=True)[1]) <= 3


def test_warm_up_pays_nothing_in_the_first_days_and_more_from_week_to_week(outside: tuple[str, ...]) -> None:
    days = np.concatenate([plays["day"] for plays in paid_plays("warm_up")])
    assert days.min() >= 0.3 * 14 - 1
    assert np.count_nonzero(days >= 9) > 1.5 * np.count_nonzero(days < 9)


def test_trickle_has_many_sessions_of_few_plays(outside: tuple[str, ...]) -> None:
    for plays in paid_plays("trickle"):
        begins = np.diff(plays["start"], prepend=0) > HALF_AN_HOUR_MS
        assert begins.sum() >= 10 * len(np.unique(plays["day"]))
        assert len(plays["start"]) < 5 * begins.sum()


def test_album_alarm_has_two_hours_that_never_move(outside: tuple[str, ...]) -> None:
    for plays in paid_plays("album_alarm"):
        begins = np.diff(plays["start"], prepend=0) > HALF_AN_HOUR_MS
        assert len(np.unique(np.round(plays["hour"][begins] * 3))) <= 6


def test_members_of_an_exchange_play_each_other_about_a_minute(outside: tuple[str, ...]) -> None:
    accounts = paid_plays("exchange")
    assert all(30_000 <= plays["listen"].min() <= plays["listen"].max() <= 75_000 for plays in accounts)
    assert len({int(track) for plays in accounts for track in plays["track"]}) > 12
