"""Features that need the account's static row, and what else a described session says of itself."""

from datetime import UTC, date, datetime

import pytest

from runtime.event_text import parse_time
from tests.spark_app.items import NOON_MS, described, did, heard


def ending(text: str) -> dict[str, object]:
    """A play that ends at a moment."""
    end_ms = parse_time(text)
    assert end_ms is not None
    return heard((end_ms - NOON_MS) / 1000 - 40, 40)


@pytest.mark.parametrize(
    ("zone", "moment", "is_night"),
    [
        ("UTC", "2026-03-01T00:00:00.000Z", True),
        ("UTC", "2026-03-01T04:59:59.999Z", True),
        ("UTC", "2026-03-01T05:00:00.000Z", False),
        ("UTC", "2026-02-28T23:59:59.999Z", False),
        ("Asia/Kolkata", "2026-03-01T23:29:59.999Z", True),
        ("Asia/Kolkata", "2026-03-01T23:30:00.000Z", False),
        # clocks go from 2 to 3 h at 01:00 UTC: 05 h comes an hour sooner
        ("Europe/Berlin", "2026-03-28T03:59:59.999Z", True),
        ("Europe/Berlin", "2026-03-29T03:00:00.000Z", False),
        # and back at 16:00 UTC of 4 April: 02 h comes twice
        ("Australia/Melbourne", "2026-04-04T18:59:59.999Z", True),
    ],
)
def test_a_play_is_at_night_by_the_hour_it_ends_in_the_listeners_zone(zone: str, moment: str, is_night: bool) -> None:
    assert described(ending(moment), timezone=zone)["night_share"] == is_night


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus_Mons", "../../etc/passwd", "/etc/passwd"])
def test_an_unknown_zone_makes_night_share_not_measurable(zone: str | None) -> None:
    assert described(heard(), timezone=zone)["night_share"] is None


def test_night_share_is_of_plays_alone() -> None:
    night, day = ending("2026-03-01T01:00:00.000Z"), ending("2026-03-01T12:00:00.000Z")
    assert described(night, day, did("search"), timezone="UTC")["night_share"] == 0.5
    assert described(did("search"), timezone="UTC")["night_share"] is None


def test_account_age_runs_from_the_day_of_sign_up_to_the_first_start() -> None:
    # at noon of 1 March 2026
    assert described(heard(0), heard(86_400), signed_up_on=date(2026, 2, 27))["account_age_days"] == pytest.approx(2.5)


def test_an_account_that_signs_up_later_is_0_days_old() -> None:
    assert described(heard(), signed_up_on=date(2027, 1, 1))["account_age_days"] == 0


@pytest.mark.parametrize(("plan", "paid"), [("free", 0), ("premium", 1), ("family", 1), ("student", 1), (None, None)])
def test_every_plan_but_the_free_one_is_paid(plan: str | None, paid: int | None) -> None:
    assert described(heard(), plan=plan)["is_paid_plan"] == paid


def test_an_unknown_account_is_described_with_its_features_not_measurable() -> None:
    found = described(heard())
    assert (found["account_age_days"], found["is_paid_plan"], found["night_share"]) == (None, None, None)
    assert found["plays"] == 1


def test_a_session_starts_with_its_first_play_and_ends_with_its_last_event() -> None:
    found = described(heard(100, 50), did("pause", 160), did("search", 120))
    moments = [datetime.fromtimestamp(NOON_MS / 1000 + s, UTC) for s in (100, 160)]
    assert [found["started_at"], found["ended_at"]] == moments


def test_the_key_is_the_account_and_its_first_event_time() -> None:
    assert described(heard(100, 50), did("search", 120), user="u:7")["session_key"] == f"u:7:{NOON_MS + 120_000}"


def test_ts_is_the_largest_of_its_rows_and_0_where_no_row_has_one() -> None:
    assert described(heard(ts=7), did("search", ts=9), heard(40, ts=None))["ts"] == 9
    assert described(heard(ts=None))["ts"] == 0


def test_the_clients_sessions_are_kept_once_each_in_order() -> None:
    claims = ["b", None, "a", "b"]
    assert described(*(heard(40 * i, session_id=c) for i, c in enumerate(claims)))["client_session_ids"] == ["a", "b"]
    assert described(heard())["client_session_ids"] == []


def test_track_counts_are_of_streams() -> None:
    counts = described(heard(0, 30, "a"), heard(30, 60, "a"), heard(90, 29, "b"), heard(200, 31, "c"))["track_counts"]
    assert sorted((c["track_id"], c["streams"]) for c in counts) == [("a", 2), ("c", 1)]
    assert described(did("search"))["track_counts"] == []


def test_rows_and_hashes_are_summed_by_topic() -> None:
    found = described(heard(0, id_hash=3), heard(40, id_hash=-5), did("search", id_hash=7))
    assert (found["plays_rows"], found["plays_hash"]) == (2, -2)
    assert (found["activity_rows"], found["activity_hash"]) == (1, 7)


def test_sums_of_hashes_wrap_round_as_64_bit_integers() -> None:
    largest = 2**63 - 1
    assert described(heard(0, id_hash=largest), heard(40, id_hash=2))["plays_hash"] == -(2**63) + 1
