"""A session's columns that are no features: identity, times, counts of tracks, sums of hashes."""

from datetime import UTC, datetime

from tests.spark_app.items import NOON_MS, did, heard, session_row


def test_a_session_starts_with_its_first_play_and_ends_with_its_last_event() -> None:
    features = session_row(heard(100, 50), did("pause", 160), did("search", 120))
    moments = [datetime.fromtimestamp(NOON_MS / 1000 + s, UTC) for s in (100, 160)]
    assert [features["started_at"], features["ended_at"]] == moments


def test_the_key_is_the_account_and_its_first_event_time() -> None:
    assert session_row(heard(100, 50), did("search", 120), user="u:7")["session_key"] == f"u:7:{NOON_MS + 120_000}"


def test_ts_is_the_largest_of_its_rows_and_0_where_no_row_has_one() -> None:
    assert session_row(heard(ts=7), did("search", ts=9), heard(40, ts=None))["ts"] == 9
    assert session_row(heard(ts=None))["ts"] == 0


def test_the_clients_sessions_are_kept_once_each_in_order() -> None:
    claims = ["b", None, "a", "b"]
    assert session_row(*(heard(40 * i, session_id=c) for i, c in enumerate(claims)))["client_session_ids"] == ["a", "b"]
    assert session_row(heard())["client_session_ids"] == []


def test_track_counts_are_of_streams() -> None:
    counts = session_row(heard(0, 30, "a"), heard(30, 60, "a"), heard(90, 29, "b"), heard(200, 31, "c"))["track_counts"]
    assert sorted((c["track_id"], c["streams"]) for c in counts) == [("a", 2), ("c", 1)]
    assert session_row(did("search"))["track_counts"] == []


def test_rows_and_hashes_are_summed_by_topic() -> None:
    features = session_row(heard(0, id_hash=3), heard(40, id_hash=-5), did("search", id_hash=7))
    assert (features["plays_rows"], features["plays_hash"]) == (2, -2)
    assert (features["activity_rows"], features["activity_hash"]) == (1, 7)


def test_sums_of_hashes_wrap_round_as_64_bit_integers() -> None:
    largest = 2**63 - 1
    assert session_row(heard(0, id_hash=largest), heard(40, id_hash=2))["plays_hash"] == -(2**63) + 1
