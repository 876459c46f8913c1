"""Hostile payloads: each is rejected alone, with its reason, and its neighbours survive."""

import json
from collections import defaultdict
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from contracts import events
from contracts.events import ACTIVITY, PLAYS, ROWS_PER_BATCH
from tests.spark_app.messages import NOON_MS, arrived, clock, good_rows, lines_of, list_of, message, sent, without

BAD = {field.name: field.rejection for fields in events.FIELDS.values() for field in fields if field.is_checked}
PLACE = 100
"""Where the odd row stands among 200."""


def row(**changes: Any) -> str:
    return json.dumps(sent(**changes))


def raw(name: str, text: str) -> str:
    """A play whose field is the JSON text as given, which may not be JSON at all."""
    return row(**{name: "@"}).replace('"@"', text)


BAD_ROWS: dict[str, tuple[str, str]] = {
    "number": ("5", events.NOT_AN_OBJECT),
    "text": ('"x"', events.NOT_AN_OBJECT),
    "nested array": ("[1]", events.NOT_AN_OBJECT),
    "row in an array": (f"[{row()}]", events.NOT_AN_OBJECT),
    "null": ("null", events.NOT_AN_OBJECT),
    "true": ("true", events.NOT_AN_OBJECT),
    "bare NaN": ("NaN", events.NOT_AN_OBJECT),
    "empty object": ("{}", BAD["play_id"]),
    "unknown fields only": ('{"PLAY_ID": "p1", "drop table": 1}', BAD["play_id"]),
    "missing id": (json.dumps(without(sent(), "play_id")), BAD["play_id"]),
    "null id": (row(play_id=None), BAD["play_id"]),
    "empty id": (row(play_id=""), BAD["play_id"]),
    "65-character id": (row(play_id="x" * 65), BAD["play_id"]),
    "65 astral characters": (row(play_id="🎧" * 65), BAD["play_id"]),
    "null account": (row(user_id=None), BAD["user_id"]),
    "empty account": (row(user_id=""), BAD["user_id"]),
    "missing track": (json.dumps(without(sent(), "track_id")), BAD["track_id"]),
    "track an object of 65 characters": (row(track_id={"a": "x" * 60}), BAD["track_id"]),
    "null time": (row(event_time=None), BAD["event_time"]),
    "12:30": (row(event_time="12:30"), BAD["event_time"]),
    "date only": (row(event_time="2026-03-01"), BAD["event_time"]),
    "epoch seconds": (row(event_time=1772366400), BAD["event_time"]),
    "now": (row(event_time="now"), BAD["event_time"]),
    "24-character offset": (row(event_time="2026-03-01T10:00:00+0500"), BAD["event_time"]),
    "24-character zone": (row(event_time="2026-03-01T10:00:0.000UTC"[:24]), BAD["event_time"]),
    "space for T": (row(event_time="2026-03-01 10:00:00.000Z"), BAD["event_time"]),
    "small z": (row(event_time="2026-03-01t10:00:00.000z"), BAD["event_time"]),
    "30 February": (row(event_time="2026-02-30T10:00:00.000Z"), BAD["event_time"]),
    "hour 24": (row(event_time="2026-02-28T24:00:00.000Z"), BAD["event_time"]),
    "second 60": (row(event_time="2026-02-28T10:00:60.000Z"), BAD["event_time"]),
    "year 0": (row(event_time="0000-01-01T10:00:00.000Z"), BAD["event_time"]),
    "digits of another script": (row(event_time="٢٠٢٦-03-01T10:00:00.000Z"), BAD["event_time"]),
    "time and a line feed": (row(event_time="2026-03-01T10:00:00.000Z\n"), BAD["event_time"]),
    "year 9999": (row(event_time="9999-12-31T23:59:59.999Z"), events.AHEAD),
    "1 ms too far ahead": (row(event_time="2026-03-01T12:05:00.001Z"), events.AHEAD),
    "year 1900": (row(event_time="1900-01-01T00:00:00.000Z"), events.BEHIND),
    "before 1970": (row(event_time="1969-12-31T23:59:59.999Z"), events.BEHIND),
    "1 ms too far behind": (row(event_time="2026-02-22T11:59:59.999Z"), events.BEHIND),
    "NaN listened": (raw("listen_ms", "NaN"), BAD["listen_ms"]),
    "infinity listened": (raw("listen_ms", "-Infinity"), BAD["listen_ms"]),
    "negative listened": (row(listen_ms=-5), BAD["listen_ms"]),
    "part of a millisecond": (row(listen_ms=40000.5), BAD["listen_ms"]),
    "exponent": (row(listen_ms="4e4"), BAD["listen_ms"]),
    "9 digits": (row(listen_ms="100000000"), BAD["listen_ms"]),
    "true listened": (row(listen_ms=True), BAD["listen_ms"]),
    "list listened": (row(listen_ms=[40000]), BAD["listen_ms"]),
    "spaces round a number": (row(listen_ms=" 40000"), BAD["listen_ms"]),
    "number and a line feed": (row(listen_ms="40000\n"), BAD["listen_ms"]),
    "number and a line separator": (row(listen_ms="40000\u2028"), BAD["listen_ms"]),
    "missing listened": (json.dumps(without(sent(), "listen_ms")), BAD["listen_ms"]),
    "unknown reason_start": (row(reason_start="telepathy"), BAD["reason_start"]),
    "reason_start in capitals": (row(reason_start="CLICKROW"), BAD["reason_start"]),
    "empty reason_end": (row(reason_end=""), BAD["reason_end"]),
    "1 MB of id": (row(play_id="x" * 1_000_000), BAD["play_id"]),
    "two things wrong: the first is named": (row(user_id="", listen_ms="x"), BAD["user_id"]),
}
ODD_BUT_GOOD: dict[str, str] = {
    "ids in other scripts": row(play_id="пьеса-１", user_id="用户", track_id="🎵"),
    "64 astral characters": row(play_id="🎧" * 64),
    "half a surrogate pair": raw("track_id", '"\\ud800"'),
    "NUL in an id": row(track_id="a\0b"),
    "number as id": row(play_id=12345),
    "listened as a number": row(listen_ms=40000),
    "nothing listened": row(listen_ms="0"),
    "unknown field": row(surprise={"deep": [1, 2, {"er": None}]}),
    "reasons missing": json.dumps(without(sent(), "reason_start", "reason_end")),
    "unknown network is kept": row(network="carrier pigeon"),
    "ts that is no number": row(ts="soon"),
    "ts over a long": raw("ts", "9" * 40),
    "shuffle that is no boolean": row(shuffle="perhaps"),
    "exactly 5 minutes ahead": row(event_time="2026-03-01T12:05:00.000Z"),
    "exactly 7 days behind": row(event_time="2026-02-22T12:00:00.000Z"),
    "the same field twice": raw("listen_ms", '"x", "listen_ms": "40000"'),
    "5 MB of unknown field": row(surprise="x" * 5_000_000),
    "markup": row(user_id="<script>alert(1)</script>", track_id='=HYPERLINK("x")'),
}
GOOD = list_of([row(play_id="a"), row(play_id="b")])
MESSAGES: dict[str, tuple[str | bytes | None, list[str | None]]] = {
    "a good list": (GOOD, [None, None]),
    "an empty list": ("[]", []),
    "white space around the list": (f" \n\t{GOOD}\n", [None, None]),
    # the reader goes no further, but the header says how many rows it missed
    "a second document after the list": (GOOD + GOOD, [None, None, events.MISSING]),
    "one object without a list": (row(), [events.UNREADABLE]),
    "nothing": ("", [events.UNREADABLE]),
    "a tombstone": (None, [events.UNREADABLE]),
    "no JSON": ("GET / HTTP/1.1", [events.UNREADABLE]),
    "no UTF-8": (b"\xff\xfe\x00[", [events.UNREADABLE]),
    "the list cut short": (GOOD[:-30], [events.UNREADABLE]),
    "a quotation mark too few": (GOOD.replace('"u1"', '"u1', 1), [events.UNREADABLE]),
    "a list of lists": (f"[{GOOD}]", [events.NOT_AN_OBJECT]),
    "nested 5,000 deep": ("[" * 5000 + "]" * 5000, [events.UNREADABLE]),
    "a number of 2,000 digits": (f"[{row(play_id='a')},{raw('listen_ms', '9' * 2000)}]", [None, BAD["listen_ms"]]),
    "an object in a string": (list_of([json.dumps(row()), row()]), [events.NOT_AN_OBJECT, None]),
}
HEADER_ROWS = {name: 4 if events.MISSING in found else 7 if found == [events.UNREADABLE] else len(found)
               for name, (_, found) in MESSAGES.items()}  # fmt: skip
"""What the headers of MESSAGES count."""
HEADERS: dict[str, dict[str, object]] = {
    "no headers": {},
    "a clock in words": clock("noon"),
    "an empty clock": clock(""),
    "a clock over a long": clock("9" * 30),
    "a clock of 19 digits": clock(2**63 - 1),
}
CASES: list[tuple[str, str | bytes | None, dict[str, object]]] = [
    *((name, list_of([row()] * PLACE + [text] + [row()] * (ROWS_PER_BATCH - PLACE - 1)), clock())
      for name, (text, _) in BAD_ROWS.items()),
    *((name, list_of([row(), text, row()]), clock()) for name, text in ODD_BUT_GOOD.items()),
    *((name, text, clock(rows=HEADER_ROWS[name])) for name, (text, _) in MESSAGES.items()),
    *((name, GOOD, headers) for name, headers in HEADERS.items()),
    ("a clock at the end of time", GOOD, clock(10**18 - 1)),
    ("a clock at the beginning of time", GOOD, clock(1 - 10**18)),
]  # fmt: skip


def with_event_ms(rows: DataFrame) -> DataFrame:
    """Times as integers: Python has no year 0, and reads a time in the zone of the machine."""
    return rows.withColumn("event_ms", F.unix_millis("event_time")).drop("event_time")


@pytest.fixture(scope="module")
def parsed(spark: SparkSession) -> dict[str, list[Row]]:
    """Every case's rows in order; one Spark job for all cases."""
    messages = arrived(spark, [message(text, offset=i, headers=h) for i, (_, text, h) in enumerate(CASES)])
    rows: dict[str, list[Row]] = defaultdict(list)
    lines = with_event_ms(lines_of(messages, PLAYS)).collect()
    for found in sorted(lines, key=lambda line: (line["offset"], line["position"] is None, line["position"])):
        rows[CASES[found["offset"]][0]].append(found)
    return rows


def reasons(rows: list[Row]) -> list[str | None]:
    return [found["reason"] for found in rows]


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({name for name, *_ in CASES}) == len(CASES)


@pytest.mark.parametrize("name", BAD_ROWS)
def test_one_bad_row_among_200_is_rejected_alone(parsed: dict[str, list[Row]], name: str) -> None:
    found = reasons(parsed[name])
    assert len(found) == ROWS_PER_BATCH
    assert {place: reason for place, reason in enumerate(found) if reason} == {PLACE: BAD_ROWS[name][1]}


@pytest.mark.parametrize("name", ODD_BUT_GOOD)
def test_odd_values_that_break_no_rule_are_kept(parsed: dict[str, list[Row]], name: str) -> None:
    assert reasons(parsed[name]) == [None, None, None]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_gives_its_rows_or_one_line_that_says_it_is_unreadable(
    parsed: dict[str, list[Row]], name: str
) -> None:
    assert reasons(parsed[name]) == MESSAGES[name][1]


def test_an_unreadable_message_stands_for_the_rows_its_header_counts(parsed: dict[str, list[Row]]) -> None:
    whole, one = parsed["no JSON"][0], parsed["number"][PLACE]
    assert (whole["rows"], whole["position"], whole["payload"]) == (7, None, "GET / HTTP/1.1")
    assert (one["rows"], one["position"]) == (1, PLACE)


def test_rows_that_the_header_counts_and_the_list_lacks_are_one_line(parsed: dict[str, list[Row]]) -> None:
    *_, missing = parsed["a second document after the list"]
    assert (missing["rows"], missing["position"], missing["reason"]) == (2, None, events.MISSING)


@pytest.mark.parametrize("name", HEADERS)
def test_without_a_readable_clock_every_row_is_rejected(parsed: dict[str, list[Row]], name: str) -> None:
    assert reasons(parsed[name]) == [events.NO_CLOCK] * 2


def test_an_absurd_clock_rejects_its_rows_and_never_stops_the_job(parsed: dict[str, list[Row]]) -> None:
    assert reasons(parsed["a clock at the end of time"]) == [events.BEHIND] * 2
    assert reasons(parsed["a clock at the beginning of time"]) == [events.AHEAD] * 2


def test_good_rows_come_out_typed_and_values_that_do_not_cast_are_null(parsed: dict[str, list[Row]]) -> None:
    good = parsed["a good list"][0]
    assert (good["listen_ms"], good["shuffle"], good["ts"]) == (40_000, False, 1_772_000_000)
    assert good["event_ms"] == NOON_MS - 3_600_000
    assert good["payload"] is None
    assert parsed["ts that is no number"][1]["ts"] is None
    assert parsed["shuffle that is no boolean"][1]["shuffle"] is None


def test_the_payload_of_a_rejected_row_is_kept_and_cut_to_500_characters(parsed: dict[str, list[Row]]) -> None:
    assert '"event_time":"12:30"' in parsed["12:30"][PLACE]["payload"]
    assert max(len(r["payload"]) for rows in parsed.values() for r in rows if r["payload"]) == 500


def test_the_live_parser_keeps_exactly_the_rows_without_a_reason(
    spark: SparkSession, parsed: dict[str, list[Row]]
) -> None:
    messages = arrived(spark, [message(text, offset=i, headers=h) for i, (_, text, h) in enumerate(CASES)])
    live_rows = with_event_ms(good_rows(messages, PLAYS)).collect()
    good = [found for rows in parsed.values() for found in rows if found["reason"] is None]
    names = live_rows[0].__fields__
    assert sorted(map(repr, live_rows)) == sorted(repr(Row(**{n: g[n] for n in names})) for g in good)


def test_activity_has_rules_of_its_own(spark: SparkSession) -> None:
    rows = [
        sent(ACTIVITY),
        sent(ACTIVITY, action="levitate"),
        sent(ACTIVITY, action=None),
        sent(ACTIVITY, event_id=""),
        sent(ACTIVITY, codec="wax cylinder"),
    ]
    messages = arrived(spark, [message(list_of(rows), topic=ACTIVITY, headers=clock(NOON_MS))])
    found = sorted(lines_of(messages, ACTIVITY).collect(), key=lambda r: r["position"])
    assert reasons(found) == [None, BAD["action"], BAD["action"], BAD["event_id"], None]
