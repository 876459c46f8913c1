"""What the plot reads from a message, and that a hostile message does no harm."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer_viz.feed.messages import BadMessage, FraudWindow, MessageCounts, count_rows, read_fraud_window
from contracts.events import ACTIVITY, HEARTBEAT_USER, PLAYS

WINDOW = {
    "window_start": "2026-11-22T00:00:00.000Z", "window_end": "2026-11-22T00:02:00.000Z",
    "sessions": 300, "flagged": 7, "flagged_streams": 90, "batch_id": 4,
}  # fmt: skip
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def play(listen_ms: object = "45000", **changes: object) -> dict[str, object]:
    return {"user_id": "u1", "listen_ms": listen_ms, "ts": 1_795_000_000, **changes}


def read(*rows: object, topic: str = PLAYS, batch: bytes = b"3") -> MessageCounts:
    return count_rows(topic, orjson.dumps(rows), [("batch", batch)])


def test_a_play_of_exactly_30_seconds_is_a_stream() -> None:
    assert read(play("29999"), play("30000")).successes == 1


def test_heartbeat_rows_do_not_count() -> None:
    heartbeat = play("0", user_id=HEARTBEAT_USER)
    assert read(heartbeat).rows == 0
    assert read(heartbeat, play()).rows == 1
    assert read({"user_id": HEARTBEAT_USER, "ts": 5}, topic=ACTIVITY).rows == 0


def test_one_bad_row_is_left_out_and_its_neighbours_count() -> None:
    rows = [play(), 5, None, play(None), play("-1"), play("١٢٣٤٥"), play("123456789"), play(45000), play(user_id=7)]
    arrival = read(*rows, play())
    assert (arrival.rows, arrival.bad_rows) == (2, 8)


def test_the_batch_number_is_that_of_the_header_and_0_without_one() -> None:
    assert read(play()).batch == 3
    assert read(play(), batch=b"minus one").batch == 0
    assert count_rows(PLAYS, orjson.dumps([play()]), []).batch == 0


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[1", b"5", b'{"a": 1}', b"[]", b"[5]", b"\xff\xfe", b'[{"user_id": "u", "ts": "5"}]',
     b'[{"user_id": "u", "ts": true}]', b'[{"user_id": "u", "ts": -1}]', b'[{"user_id": "u", "ts": 1795000000000}]'],
)  # fmt: skip
def test_an_unreadable_message_is_refused_by_name(value: bytes) -> None:
    with pytest.raises(BadMessage):
        count_rows(ACTIVITY, value, [])


def test_a_tombstone_is_refused() -> None:
    with pytest.raises(BadMessage, match="not JSON"):
        count_rows(PLAYS, None, [])  # type: ignore[arg-type]


@given(ANY_JSON)
def test_any_json_is_counted_or_refused_and_never_more(value: object) -> None:
    for topic in (PLAYS, ACTIVITY):
        try:
            arrival = count_rows(topic, orjson.dumps(value), [])
        except BadMessage:
            continue
        assert isinstance(value, list)
        assert arrival.rows + arrival.bad_rows <= len(value)
        assert 0 <= arrival.successes <= arrival.rows


@given(st.binary(max_size=40))
def test_any_bytes_are_counted_or_refused_and_never_more(value: bytes) -> None:
    try:
        arrival = count_rows(PLAYS, value, [("batch", value)])
    except BadMessage:
        pass
    else:
        assert 0 <= arrival.successes <= arrival.rows
        assert arrival.rows + arrival.bad_rows <= value.count(b",") + 1, "no more than there are elements"
    # forty bytes hold no fraud window
    with pytest.raises(BadMessage):
        read_fraud_window(value)


def test_a_fraud_count_is_read_in_epoch_seconds_whether_its_time_has_a_zone_or_not() -> None:
    expected = FraudWindow(1_795_305_600.0, 1_795_305_720.0, 300, 7, 90, 4)
    assert read_fraud_window(orjson.dumps(WINDOW)) == expected
    assert read_fraud_window(orjson.dumps(WINDOW | {"window_start": "2026-11-22T11:00:00+11:00"})) == expected
    assert read_fraud_window(orjson.dumps(WINDOW | {"window_start": "2026-11-22T00:00:00"})) == expected


@pytest.mark.parametrize(
    "change",
    [{"flagged": -1}, {"flagged": "7"}, {"batch_id": None}, {"sessions": True}, {"window_end": 5},
     {"window_end": "soon"}, {"window_end": "2026-11-22T00:00:00.000Z"}, {"window_end": "0001-01-01T00:00:00+14:00"}],
)  # fmt: skip
def test_a_fraud_count_with_a_wrong_field_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadMessage):
        read_fraud_window(orjson.dumps(WINDOW | change))


def test_a_fraud_count_without_a_field_says_which() -> None:
    with pytest.raises(BadMessage, match="without flagged, batch_id"):
        read_fraud_window(orjson.dumps({k: v for k, v in WINDOW.items() if k not in ("flagged", "batch_id")}))


@pytest.mark.parametrize("size", [1_000_000, 5_000_000])
def test_a_message_of_megabytes_is_counted_row_by_row(size: int) -> None:
    row = orjson.dumps(play())
    n_rows = size // len(row)
    arrival = count_rows(PLAYS, b"[" + b",".join([row] * n_rows) + b"]", [("batch", b"3")])
    assert (arrival.rows, arrival.bad_rows) == (n_rows, 0)
