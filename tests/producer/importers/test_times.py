"""The times of all layouts: what is written is what is read, with its precision; anything else is no time."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.importers.times import Moment, parse_moment

seconds = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda t: t.replace(microsecond=0, tzinfo=UTC))


QUICKLY = settings(max_examples=50)


def ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


@QUICKLY
@given(seconds)
def test_the_minute_of_the_basic_export_is_read_with_its_precision(moment: datetime) -> None:
    assert parse_moment(f"{moment:%Y-%m-%d %H:%M}") == Moment(ms(moment.replace(second=0)), 60_000)


@QUICKLY
@given(
    seconds,
    st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%d %b %Y, %H:%M:%S", "%Y-%m-%dT%H:%M:%S+00:00"]),
)
def test_every_way_to_write_a_second_is_the_same_moment(moment: datetime, form: str) -> None:
    assert parse_moment(moment.strftime(form)) == Moment(ms(moment), 1000)


@QUICKLY
@given(seconds)
def test_an_epoch_is_told_by_its_size(moment: datetime) -> None:
    assert parse_moment(str(ms(moment))) == Moment(ms(moment), 1)
    assert parse_moment(str(ms(moment) // 1000)) == Moment(ms(moment), 1000)


@QUICKLY
@given(seconds, st.integers(-14 * 60, 14 * 60))
def test_a_zone_is_taken_off(moment: datetime, east: int) -> None:
    sign = "-" if east < 0 else "+"
    zone = f"{sign}{abs(east) // 60:02d}:{abs(east) % 60:02d}"
    found = parse_moment(f"{moment:%Y-%m-%dT%H:%M:%S}{zone}")
    assert found == Moment(ms(moment) - east * 60_000, 1000)


@QUICKLY
@given(st.text(max_size=30))
def test_no_text_makes_it_fail(text: str) -> None:
    found = parse_moment(text)
    assert found is None or found.precision_ms in (1, 1000, 60_000)


@pytest.mark.parametrize(
    "text", ["", "12:30", "2023-02-30 10:00", "2023-01-01", "30 Foo 2023 10:00", "2023-01-01 25:00", "99", "١٢٣٤٥٦٧٨٩٠"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_moment(text) is None
