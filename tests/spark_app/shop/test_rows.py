"""Messages to rows: the assignment's samples, what is rejected and why, and what a message may be instead of a list."""

import json
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from contracts import golden
from contracts.shop import BROWSING, TOPICS, TRANSACTIONS
from spark_app.shop.rows import HEARTBEAT, cast_rows, parse_messages, rejected_rows
from tests.spark_app.shop.visits import SENT, arrived, bought, browsed, message

SAMPLES = Path(*golden.__path__)


def test_the_samples_of_the_assignment_are_good_rows_with_the_types_of_the_metadata(spark: SparkSession) -> None:
    rows = {}
    for topic in TOPICS:
        sample = json.loads((SAMPLES / f"{topic}.json").read_text())
        parsed = arrived(spark, [message(sample, topic)]).transform(parse_messages, topic)
        rows[topic] = parsed.transform(cast_rows, topic).orderBy("position").collect()
        assert len(rows[topic]) == len(sample)
    first = rows[TRANSACTIONS][0]
    assert str(first["total_amount"]) == "369512.00"
    assert (first["clear_payment"], first["shipment_location_long"]) == (0, 112.205799773991)
    # Spark collects times as naive ones in the zone of this machine
    at = rows[BROWSING][0]["event_time"].astimezone(UTC)
    assert at == datetime(2024, 1, 1, 0, 20, 54, 302_000, UTC)
    assert rows[BROWSING][0]["sent_at"].timestamp() == 1_745_818_012


def test_a_bad_row_is_rejected_with_the_first_rule_that_it_breaks_and_the_others_of_its_message_are_kept(
    spark: SparkSession,
) -> None:
    bad = {
        "event_type: expected HP": browsed("JUMP"),
        "event_time: expected yyyy": browsed(at="half past two"),
        "session_id: missing": browsed(session_id=""),
        "ts: not an integer": browsed() | {"ts": "soon"},
        "ts: ahead": browsed(ts=SENT + 2000),
        "session_id: reserved": browsed(session_id=HEARTBEAT),
        "customer_id: missing": {k: v for k, v in browsed().items() if k != "customer_id"},
    }
    parsed = arrived(spark, [message([*bad.values(), browsed()], BROWSING)]).transform(parse_messages, BROWSING)
    rejected = parsed.transform(rejected_rows).orderBy("position").collect()
    assert [r["position"] for r in rejected] == list(range(len(bad)))
    for row, reason in zip(rejected, bad, strict=True):
        assert row["reason"].startswith(reason)
        assert (row["rows"], json.loads(row["text"])["device_type"]) == (1, "Android")
    assert parsed.transform(cast_rows, BROWSING).count() == 1


def test_a_transaction_is_rejected_for_its_payment_cart_or_amount_and_not_for_an_empty_promo(
    spark: SparkSession,
) -> None:
    rows = [
        bought(payment_status="Maybe"),
        bought(product_metadata="[{'product_id': 1"),
        bought(product_metadata="[]"),
        bought(total_amount="a lot"),
        bought(promo_code="", promo_amount=""),
    ]
    parsed = arrived(spark, [message(rows, TRANSACTIONS)]).transform(parse_messages, TRANSACTIONS)
    reasons = [row["reason"] for row in parsed.orderBy("position").collect()]
    assert [reason and reason.partition(":")[0] for reason in reasons] == [
        "payment_status", "product_metadata", "product_metadata", "total_amount", None,
    ]  # fmt: skip


def test_an_empty_list_is_no_row_and_a_message_that_is_no_list_counts_for_the_rows_of_its_header(
    spark: SparkSession,
) -> None:
    messages = [
        message([], TRANSACTIONS),
        message("<html>", TRANSACTIONS, offset=1, headers={"rows": "200"}),
        message("[1", TRANSACTIONS, offset=2),
    ]
    parsed = arrived(spark, messages).transform(parse_messages, TRANSACTIONS)
    rejected = parsed.transform(rejected_rows).orderBy("offset").collect()
    assert (rejected[0]["offset"], rejected[0]["position"], rejected[0]["rows"]) == (1, None, 200)
    assert sum(row["rows"] for row in rejected) == 201
    assert parsed.transform(cast_rows, TRANSACTIONS).count() == 0
