"""Evidence of the track, on plays made by hand: a group that lifts a track, a track of one day, and one fan alone."""

import numpy as np
import pytest

from models.campaigns.track_evidence import DayPlays, TrackEvidence, find_track_evidence

ACCOUNTS, TRACKS, DAYS = 200, 1000, 28
TARGETS, FANS_SONG, DAY_TARGET = (900, 901, 902), 955, 977
GROUP, FAN, PUSHERS = range(5), 7, range(10, 14)
ARTIST = np.arange(TRACKS, dtype=np.int64) // 10
POPULARITY = 1000.0 / np.arange(1, TRACKS + 1)


def plays() -> DayPlays:
    """Everybody plays by popularity; GROUP adds three tracks every day, FAN one song, PUSHERS one on the last day."""
    rng = np.random.default_rng(1)
    n = ACCOUNTS * 200
    user = [rng.integers(ACCOUNTS, size=n)]
    track = [rng.choice(TRACKS, size=n, p=POPULARITY / POPULARITY.sum())]
    day = [rng.integers(DAYS, size=n)]
    for account in GROUP:
        user.append(np.full(84, account))
        track.append(np.repeat(TARGETS, DAYS))
        day.append(np.tile(np.arange(DAYS), 3))
    for account, song, at in [(FAN, FANS_SONG, np.arange(300) % DAYS)] + [
        (account, DAY_TARGET, np.full(20, DAYS - 1)) for account in PUSHERS
    ]:
        user.append(np.full(len(at), account))
        track.append(np.full(len(at), song))
        day.append(at)
    columns = np.stack([np.concatenate(column).astype(np.int64) for column in (user, track, day)])
    (users, tracks, days), counts = np.unique(columns, axis=1, return_counts=True)
    return DayPlays(users, tracks, days, counts)


@pytest.fixture(scope="module")
def evidence() -> TrackEvidence:
    return find_track_evidence(plays(), POPULARITY, ARTIST, ACCOUNTS)


def test_a_few_accounts_that_lift_the_same_tracks_are_found_and_one_fan_is_not(evidence: TrackEvidence) -> None:
    others = np.arange(20, ACCOUNTS)
    for values in (evidence.lifted_by_few, evidence.lifted_share):
        assert values[list(GROUP)].min() > 5 * values[others].max()
        assert values[FAN] < values[list(GROUP)].min()
    assert evidence.lifted_core[list(GROUP)].tolist() == [4] * 5
    assert evidence.lifted_core[FAN] == 0 == evidence.lifted_core[others].max()


def test_a_track_that_is_pushed_on_one_day_is_seen_on_that_day(evidence: TrackEvidence) -> None:
    assert evidence.surge_by_few[list(PUSHERS)].min() > 0
    assert evidence.surge_by_few[20:].max() == 0
    assert evidence.surge_days[list(PUSHERS)].tolist() == [1] * 4


def test_one_track_instead_of_its_artist_is_odd_and_no_track_is_lifted_where_popularity_is_unknown(
    evidence: TrackEvidence,
) -> None:
    assert evidence.odd_in_artist[list(PUSHERS)].min() > 0 == evidence.odd_in_artist[20:].max()
    unknown = find_track_evidence(plays(), np.zeros(TRACKS), ARTIST, ACCOUNTS)
    assert unknown.lifted_share.max() == 0 == unknown.lifted_core.max()
    assert unknown.surge_days.max() == 0 < unknown.surge_by_few.max()
