"""Job and audit see the same rows in every message, also in hostile ones: they share no code that could."""

from collections import defaultdict
from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession

from contracts.events import HEADER_ROWS
from contracts.shop import BROWSING
from ops.reconcile.shop_rows import WHOLE_MESSAGE, rows_by_position
from spark_app.shop.rows import parse_messages, rejected_rows
from tests.spark_app.shop.visits import MESSAGES, message

SENT_ROWS = 7
HOSTILE = [
    None, b"", b" ", b"null", b"7", b'"text"', b"{", b"[", b"[" * 10_000, b"\x00\xff", b'[\x00{\x00}\x00]\x00',
    b"[]", b"[ ] ", b"{}", b'{"ts":"x"}', b'{"ts":1} {"ts":2}', b"[null]", b"[1]", b'[1,{"ts":1}]', b'["",{}]',
    b'[[{"ts":1}]]', b'[{"a":[1]}]', b'[{"session_id":{"a":[1]}},{"session_id":5}]', b'[{"ts":1%030d}]' % 0,
    b'[{"ts":2147483648}]', b'[{"ts":1.5},{"ts":true},{"ts":"1"},{"ts":[1]},{"ts":null}]', b'[{"ts":NaN}]',
    b'[{"a":"\xff"}]', b'[{"ts":1},{"ts":2}] and a tail', b'[{"ts":1},{"ts":2}', b'[{"ts":1}][{"ts":2}]',
]  # fmt: skip
ONLY_THE_JOB_TAKES_OR_REFUSES = [
    b"[{'a':1}]", b'[{"a":%b1%b}]' % (b"[" * 998, b"]" * 998), b'[{"a":1%02000d}]' % 0,
]  # fmt: skip


def parsed(spark: SparkSession, messages: Sequence[tuple[bytes | None, str]]) -> DataFrame:
    """Parse messages as the job does: of each its value and its header `rows`, the offset is its place."""
    rows = [
        message("", BROWSING, offset, {HEADER_ROWS: header}) | {"value": value}
        for offset, (value, header) in enumerate(messages)
    ]
    frame = spark.createDataFrame(rows, MESSAGES.replace("value string", "value binary"))
    return frame.transform(parse_messages, BROWSING)


def rejected_by_message(frame: DataFrame) -> dict[int, dict[int, int]]:
    """Return how many rows each line of the rejected rows stands for, by offset and position."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for row in frame.transform(rejected_rows).collect():
        found[row["offset"]][WHOLE_MESSAGE if row["position"] is None else row["position"]] = row["rows"]
    return found


def test_job_and_audit_find_the_same_rows_in_hostile_messages(spark: SparkSession) -> None:
    frame = parsed(spark, [(value, str(SENT_ROWS)) for value in HOSTILE])
    assert frame.where("reason IS NULL").count() == 0
    by_job = rejected_by_message(frame)
    for offset, value in enumerate(HOSTILE):
        expected = {p: SENT_ROWS if p == WHOLE_MESSAGE else 1 for p in rows_by_position(value)}
        assert by_job[offset] == expected, value


def test_where_only_one_of_them_can_read_a_message_the_audit_follows_the_job(spark: SparkSession) -> None:
    by_job = rejected_by_message(parsed(spark, [(value, "") for value in ONLY_THE_JOB_TAKES_OR_REFUSES]))
    for offset, value in enumerate(ONLY_THE_JOB_TAKES_OR_REFUSES):
        positions = {*by_job[offset]}
        assert len(positions) == 1, value
        assert {*rows_by_position(value, positions)} == positions, value


def test_a_header_of_another_form_counts_for_one_row_as_it_does_in_the_audit(spark: SparkSession) -> None:
    """tests/ops/reconcile/test_shop_rows.py has the same headers."""
    headers = {"200": 200, "9999999": 9999999} | dict.fromkeys(["+5", "-5", "2147483647", "5 ", "5\n", "0", ""], 1)
    by_job = rejected_by_message(parsed(spark, [(b"{", header) for header in headers]))
    assert [by_job[n] for n in range(len(headers))] == [{WHOLE_MESSAGE: rows} for rows in headers.values()]
