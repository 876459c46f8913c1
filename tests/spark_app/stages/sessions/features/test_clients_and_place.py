"""On which clients a session was played, and where: each feature on small sessions, without Spark."""

import pytest

from spark_app.stages.arrays.countries import COUNTRIES, COUNTRY_LETTERS
from tests.spark_app.items import did, heard, session_row

GB, JP = (int(COUNTRY_LETTERS[COUNTRIES.index(code)]) for code in ("GB", "JP"))
NOT_A_COUNTRY = 0x5151


def test_max_speed_is_between_consecutive_rows_of_known_countries() -> None:
    features = session_row(heard(0, 10, country=GB), heard(1800, 10), did("like", 3610, country=JP))
    assert features["max_speed_kmh"] == pytest.approx(9_500, abs=100)
    at_once = session_row(did("like", 0, country=GB), did("like", 1, country=JP))
    assert at_once["max_speed_kmh"] == pytest.approx(60 * 9_500, abs=6_000), "over less than a minute means nothing"


def test_speed_within_one_country_is_0_and_without_a_country_not_measurable() -> None:
    assert session_row(did("like", country=GB), did("like", 9, country=GB))["max_speed_kmh"] == 0
    features = session_row(did("like"), did("like", 9, country=NOT_A_COUNTRY))
    assert (features["max_speed_kmh"], features["n_countries"]) == (None, 1)


def test_a_pair_of_device_and_drm_that_no_maker_offers_is_a_mismatch() -> None:
    rows = [
        did("start", 0, device_type="mobile", drm="playready"),
        did("start", 1, device_type="mobile", drm="widevine"),
        did("start", 2, device_type="mobile"),
        did("start", 3, drm="playready"),
        heard(4, device_type="mobile"),
    ]
    assert session_row(*rows)["dev_drm_mismatch"] == 0.5
    assert session_row(*rows[2:])["dev_drm_mismatch"] is None


def test_clients_are_counted_by_what_their_activity_tells() -> None:
    rows = [
        did("start", 0, drm="widevine", codec="aac"),
        did("start", 1, drm="widevine", codec="flac"),
        did("start", 2, drm="none", codec="aac"),
    ]
    features = session_row(heard(), *rows)
    assert [features[f"dist_{name}_cnt"] for name in ("drm", "enc_frmt")] == [2, 2]
    assert [features[f"drm_type_{letter}_pct"] for letter in "abcd"] == pytest.approx([2 / 3, 0, 0, 1 / 3])
    assert [features[f"end_frmt_{letter}_pct"] for letter in "ac"] == pytest.approx([2 / 3, 1 / 3])
    unknown = session_row(heard(), did("start"))
    assert [unknown[name] for name in ("dist_drm_cnt", "drm_type_a_pct", "end_frmt_d_pct")] == [None] * 3


def test_shares_of_devices_are_of_rows_of_both_topics() -> None:
    plays = [heard(device_type="tv"), heard(50, device_type="web")]
    features = session_row(*plays, did("like", device_type="web"), did("like"))
    assert [features[f"dev_type_{letter}_pct"] for letter in "abcdef"] == pytest.approx([0, 0, 0, 1 / 3, 0, 2 / 3])


@pytest.mark.parametrize(("tracks", "lag"), [("abcabc", 3), ("aaaa", 1), ("abcdef", None), ("a", None)])
def test_loop_lag_is_the_lag_at_which_most_plays_come_again(tracks: str, lag: int | None) -> None:
    assert session_row(*(heard(40 * i, track=t) for i, t in enumerate(tracks)))["loop_lag"] == lag
