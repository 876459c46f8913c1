"""Features of what was heard and where, on small sessions computed by hand. None = not measurable, never 0."""

from itertools import pairwise
from typing import Any

import pytest

from contracts.events import INTERACTIONS
from spark_app.stages.sessions.features.listening import SKIP_BEFORE
from tests.spark_app.items import Item, did, heard, session_row


def after_one_another(*listen_s: float, **values: Any) -> list[Item]:
    """Plays that start where the one before ended."""
    ends = [0.0]
    for seconds in listen_s:
        ends.append(ends[-1] + seconds)
    return [heard(start, end - start, **values) for start, end in pairwise(ends)]


def test_a_play_of_30_s_is_a_stream_and_a_shorter_one_is_not() -> None:
    features = session_row(*after_one_another(29.999, 30, 31))
    assert (features["plays"], features["streams"]) == (3, 2)


def test_hours_add_up_what_was_heard_also_at_once() -> None:
    assert session_row(heard(0, 1800), heard(0, 1800))["hours"] == 1.0


def test_span_reaches_from_the_first_start_to_the_last_event_of_either_topic() -> None:
    assert session_row(heard(600, 60), did("search", 0), did("pause", 3600))["span_h"] == 1.0
    assert session_row(heard(0, 1800))["span_h"] == 0.5


def test_share_30_35_counts_plays_of_30_s_up_to_but_not_of_35_s() -> None:
    assert session_row(*after_one_another(29.999, 30, 34.999, 35))["share_30_35"] == 0.5


def test_early_skip_5_counts_plays_under_5_s() -> None:
    assert session_row(*after_one_another(0, 4.999, 5, 60))["early_skip_5"] == 0.5


def test_a_track_left_by_hand_counts_as_skipped_only_before_90_percent_of_it() -> None:
    just_heard = 100 * SKIP_BEFORE
    skipped = [heard(0, 50, duration_s=100, is_skip=True), heard(100, just_heard, duration_s=100, is_skip=True)]
    assert session_row(*skipped)["skip_rate"] == 0.5
    assert session_row(heard(0, 50, duration_s=100))["skip_rate"] == 0, "an end that is not by hand is no skip"


def test_a_skip_of_a_track_of_unknown_length_counts() -> None:
    assert session_row(heard(0, 200, is_skip=True), heard(200))["skip_rate"] == 0.5


def test_completion_is_at_most_1_and_leaves_out_tracks_of_unknown_length() -> None:
    features = session_row(heard(0, 50, duration_s=100), heard(50, 150, duration_s=100), heard(200, 30))
    assert (features["completion_mean"], features["completion_sd"]) == (0.75, 0.25)


def test_completion_of_unknown_tracks_is_not_measurable() -> None:
    features = session_row(*after_one_another(30, 40))
    assert (features["completion_mean"], features["completion_sd"]) == (None, None)


def test_spread_of_one_play_is_not_measurable() -> None:
    features = session_row(heard(0, 50, duration_s=100))
    assert (features["completion_mean"], features["completion_sd"], features["listen_cv"]) == (0.5, None, None)


def test_listen_cv_is_the_standard_deviation_over_the_mean() -> None:
    assert session_row(*after_one_another(20, 40))["listen_cv"] == pytest.approx(1 / 3)
    assert session_row(*after_one_another(30, 30, 30))["listen_cv"] == 0
    assert session_row(heard(0, 0), heard(5, 0))["listen_cv"] is None, "a mean of 0 divides nothing"


def test_interaction_rate_counts_only_what_a_hand_does_per_hour_heard() -> None:
    touches = [did(action, place) for place, action in enumerate(INTERACTIONS)]
    others = [did("start", 1), did("skip", 2), did("licence_request", 3), did("login", 4)]
    assert session_row(heard(0, 1800), *touches, *others)["interaction_rate"] == 2 * len(INTERACTIONS)


def test_actions_per_play_counts_every_activity_row() -> None:
    assert session_row(heard(0), heard(40), did("start"), did("end"), did("heartbeat"))["actions_per_play"] == 1.5


def test_autoadvance_share_counts_plays_begun_by_the_end_of_the_one_before() -> None:
    features = session_row(
        heard(0), heard(40, is_autoadvance=True), heard(80, is_autoadvance=True, is_skip=True), heard(120)
    )
    assert features["autoadvance_share"] == 0.5


def test_artist_concentration_leaves_out_unknown_artists() -> None:
    features = session_row(*(heard(40 * i, artist=artist) for i, artist in enumerate([7, 7, -9, None])))
    assert (features["artist_hhi"], features["top_artist_share"]) == (pytest.approx(5 / 9), pytest.approx(2 / 3))


def test_concentration_on_unknown_artists_is_not_measurable() -> None:
    features = session_row(heard())
    assert (features["artist_hhi"], features["top_artist_share"]) == (None, None)


def test_repeat_ratio_is_the_share_of_plays_beyond_the_first_of_each_track() -> None:
    assert session_row(*(heard(40 * i, track=t) for i, t in enumerate("aab")))["repeat_ratio"] == pytest.approx(1 / 3)
    assert session_row(heard())["repeat_ratio"] == 0


@pytest.mark.parametrize(
    ("tracks", "share"), [("abcabc", 3 / 6), ("aaaa", 3 / 4), ("abcdef", 0), ("abcdefghijkla", 1 / 13), ("a", 0)]
)
def test_loop_share_is_the_largest_share_over_lags_1_to_12(tracks: str, share: float) -> None:
    assert session_row(*(heard(40 * i, track=t) for i, t in enumerate(tracks)))["loop_share"] == pytest.approx(share)


def test_a_loop_over_more_than_12_tracks_is_not_seen() -> None:
    assert session_row(*(heard(40 * i, track=t) for i, t in enumerate("abcdefghijklma")))["loop_share"] == 0


def test_loop_share_takes_plays_in_order_of_their_start() -> None:
    # the long play of b ends last, but began between those of a
    assert session_row(heard(0, 30, "a"), heard(40, 300, "b"), heard(80, 30, "a"))["loop_share"] == pytest.approx(1 / 3)


def test_popularity_mean_is_of_log10_and_leaves_out_unknown_and_zero() -> None:
    plays = [heard(40 * i, popularity=p) for i, p in enumerate([1e-2, 1e-4, None, 0.0])]
    assert session_row(*plays)["popularity_mean"] == pytest.approx(-3)
    assert session_row(heard(popularity=0.0))["popularity_mean"] is None


def test_devices_addresses_and_countries_are_counted_over_both_topics() -> None:
    features = session_row(
        heard(0, device=1, ip=5, country=11), heard(40, device=1, ip=-6, country=12), did("search", device=2, ip=5)
    )
    assert (features["n_devices"], features["n_ips"], features["n_countries"]) == (2, 2, 2)


def test_places_that_nobody_reported_are_not_measurable() -> None:
    features = session_row(heard(), did("search"))
    assert [features[name] for name in ("n_devices", "n_ips", "n_countries", "hosting_share")] == [None] * 4


def test_hosting_share_is_of_the_rows_whose_network_is_known() -> None:
    features = session_row(
        heard(0, network="hosting"), did("search", network="vpn"), did("pause", network="mobile"),
        heard(40, network="residential"), heard(80),
    )  # fmt: skip
    assert features["hosting_share"] == 0.5


def test_licence_requests_are_counted() -> None:
    features = session_row(did("licence_request", 1), did("licence_request", 2), did("manifest_request", 3))
    assert features["license_cnt"] == 2


def test_error_rate_is_failed_starts_of_all_starts() -> None:
    assert session_row(heard(0), heard(40), heard(80), did("failed_start"))["error_rate"] == 0.25
    assert session_row(did("failed_start"))["error_rate"] == 1
    assert session_row(did("search"))["error_rate"] is None


def test_share_under_35_counts_plays_up_to_but_not_of_35_s() -> None:
    assert session_row(*after_one_another(10, 34.999, 35, 200))["share_under_35"] == 0.5


def test_license_rate_counts_the_requests_of_the_busiest_ten_minutes() -> None:
    licences = [did("licence_request", 60 * minute) for minute in (0, 1, 9, 10, 40)]
    assert session_row(heard(0), *licences)["license_rate_10min"] == 3, "the request ten minutes before is out"
    assert session_row(heard(0))["license_rate_10min"] == 0
