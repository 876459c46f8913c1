"""The shop's steps as a stream: messages arrive in files, and a saved PipelineModel scores what closes."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.shop import BROWSING, TOPICS, TRANSACTIONS
from spark_app.shop.heartbeat import with_heartbeats
from spark_app.shop.pipeline import build_features
from spark_app.shop.predictions import load_model, predict
from spark_app.shop.rows import cast_rows, parse_messages
from tests.spark_app.shop.visits import MESSAGES, SENT, bought, browsed, message, static_tables

BATCHES: Sequence[dict[str, list[dict[str, Any]]]] = (
    # a session that goes on in the next batch, and one that is nothing but a look
    {
        BROWSING: [
            browsed("HP"),
            browsed("VI", "00:00:10.000"),
            browsed("ATC", "00:00:30.000"),
            browsed(session_id="look", customer_id="unknown"),
        ],
        TRANSACTIONS: [],
    },
    # its checkout, 20 s later; a transaction whose session has no browsing row
    {
        BROWSING: [browsed("CO", "00:01:00.500", SENT + 20)],
        TRANSACTIONS: [
            bought("00:01:00.500", SENT + 20),
            bought("00:02:00.000", SENT + 20, session_id="unseen", transaction_id="t2"),
        ],
    },
    # long afterwards: a new session, which nothing closes
    {
        BROWSING: [browsed(session_id="open", ts=SENT + 600)],
        TRANSACTIONS: [bought(session_id="open", transaction_id="t3", ts=SENT + 600)],
    },
    # Spark compares rows with the watermark of the micro-batch before: the one that the batch above moves
    {
        BROWSING: [browsed(session_id="open", ts=SENT + 601)],
        TRANSACTIONS: [],
    },
    # rows that were sent long ago: late
    {
        BROWSING: [browsed(session_id="late", ts=SENT + 30), browsed("CO", session_id="s1", ts=SENT + 30)],
        TRANSACTIONS: [bought(session_id="late", transaction_id="t4", ts=SENT + 30)],
    },
)


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a run of the stream gave: its predictions by session, and each micro-batch's progress."""

    sessions: dict[str, dict[str, Any]]
    progress: list[dict[str, Any]]

    @property
    def late(self) -> int:
        steps = [
            op for p in self.progress for op in p["stateOperators"] if op["operatorName"] == "dedupeWithinWatermark"
        ]
        return sum(step["numRowsDroppedByWatermark"] for step in steps)


def read_files(spark: SparkSession, folder: Path) -> DataFrame:
    """Stream the messages of a topic, a file a micro-batch."""
    text = spark.readStream.schema(MESSAGES.replace("value: binary", "value: string")).option("maxFilesPerTrigger", 1)
    return text.json(str(folder))


@pytest.fixture(scope="module")
def streamed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Streamed:
    root = tmp_path_factory.mktemp("shop")
    for number, batch in enumerate(BATCHES):
        for topic in TOPICS:
            file = root / topic / f"{number}.json"
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(message(batch[topic], topic, number), default=datetime.isoformat))
            os.utime(file, (number, number))
    parsed = {topic: read_files(spark, root / topic).transform(parse_messages, topic) for topic in TOPICS}
    browsing, transactions = (
        parsed[topic].transform(cast_rows, topic).transform(with_heartbeats, spark, root / "beats" / topic)
        for topic in TOPICS
    )
    scored = build_features(browsing, transactions, static_tables(spark)).transform(predict, load_model())
    query = (
        scored.writeStream.format("memory")
        .queryName("shop_predictions")
        .option("checkpointLocation", str(root / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    rows = spark.table("shop_predictions").collect()
    spark.catalog.dropTempView("shop_predictions")
    sessions = {row["session_id"]: row.asDict(recursive=True) for row in rows}
    assert len(sessions) == len(rows)
    return Streamed(sessions, [json.loads(p.json) for p in query.recentProgress])


def test_a_session_over_two_batches_is_one_and_has_the_features_computed_by_hand(streamed: Streamed) -> None:
    expected = {
        "browsing_rows": 4, "l1_events": 2, "l2_events": 1, "l3_events": 1, "l1_share": 0.5, "cart_adds": 1,
        "duration_s": 60.5, "seconds_to_checkout": 60.5, "local_hour": 7, "transaction_rows": 1, "failed_payments": 1,
        "items": 3, "total_amount": 190005.0, "dearest_price": 100000.0, "shipment_fee": 10000.0, "account_days": 10,
        "is_other_device": 1, "payment_method": "OVO", "gender": "F", "master_category": "Apparel",
        "transaction_ids": ["t1"],
    }  # fmt: skip
    session = streamed.sessions["s1"]
    assert {name: session[name] for name in expected} == expected
    # one degree of the equator; 20,000 off goods of 200,005; 60.5 s between four events; 10,957 days since birth
    assert session["distance_km"] == pytest.approx(111.19, abs=0.01)
    assert session["promo_share"] == pytest.approx(20000 / 200005)
    assert session["seconds_per_event"] == pytest.approx(60.5 / 3)
    assert session["age_years"] == pytest.approx(30, abs=0.01)


def test_neither_side_of_the_join_vanishes_without_a_partner(streamed: Streamed) -> None:
    counts = {name: (s["browsing_rows"], s["transaction_rows"]) for name, s in streamed.sessions.items()}
    assert counts == {"s1": (4, 1), "look": (1, 0), "unseen": (0, 1)}
    look, unseen = streamed.sessions["look"], streamed.sessions["unseen"]
    assert (look["items"], look["seconds_to_checkout"], look["distance_km"], look["account_days"]) == (0, -1, -1, -1)
    assert (unseen["items"], unseen["customer_id"], unseen["account_days"]) == (3, "65192", 10)


def test_every_row_is_in_a_session_or_late_or_open(streamed: Streamed) -> None:
    sent = sum(len(rows) for batch in BATCHES for rows in batch.values())
    scored = sum(s["browsing_rows"] + s["transaction_rows"] for s in streamed.sessions.values())
    still_open = sum(len(rows) for batch in BATCHES[2:4] for rows in batch.values())
    assert (streamed.late, sent) == (3, scored + streamed.late + still_open)


def test_the_saved_model_transforms_the_stream(streamed: Streamed) -> None:
    for session in streamed.sessions.values():
        assert sum(session["probability"]) == pytest.approx(1)
        assert session["rawPrediction"][0] == -session["rawPrediction"][1]
        assert session["prediction"] in (0.0, 1.0)
