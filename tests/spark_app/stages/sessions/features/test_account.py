"""Features that need the account's static row."""

from datetime import date

import pytest

from runtime.event_text import parse_time
from tests.spark_app.items import NOON_MS, did, heard, session_row


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
    assert session_row(ending(moment), timezone=zone)["night_share"] == is_night


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus_Mons", "../../etc/passwd", "/etc/passwd"])
def test_an_unknown_zone_makes_night_share_not_measurable(zone: str | None) -> None:
    assert session_row(heard(), timezone=zone)["night_share"] is None


def test_night_share_is_of_plays_alone() -> None:
    night, day = ending("2026-03-01T01:00:00.000Z"), ending("2026-03-01T12:00:00.000Z")
    assert session_row(night, day, did("search"), timezone="UTC")["night_share"] == 0.5
    assert session_row(did("search"), timezone="UTC")["night_share"] is None


def test_account_age_runs_from_the_day_of_sign_up_to_the_first_start() -> None:
    # at noon of 1 March 2026
    assert session_row(heard(0), heard(86_400), signed_up_on=date(2026, 2, 27))["account_age_days"] == pytest.approx(
        2.5
    )


def test_an_account_that_signs_up_later_is_0_days_old() -> None:
    assert session_row(heard(), signed_up_on=date(2027, 1, 1))["account_age_days"] == 0


@pytest.mark.parametrize(("plan", "paid"), [("free", 0), ("premium", 1), ("family", 1), ("student", 1), (None, None)])
def test_every_plan_but_the_free_one_is_paid(plan: str | None, paid: int | None) -> None:
    assert session_row(heard(), plan=plan)["is_paid_plan"] == paid


def test_an_unknown_account_keeps_the_features_that_its_rows_show() -> None:
    features = session_row(heard())
    assert (features["account_age_days"], features["is_paid_plan"], features["night_share"]) == (None, None, None)
    assert features["plays"] == 1
