"""The checks before Spark starts, on a real broker."""

import json
from pathlib import Path

import pytest
from kafka import KafkaProducer

from contracts.events import ACTIVITY, PLAYS
from ops.stack.broker import Broker
from producer.kafka import topics
from runtime.world import Unit
from spark_app.checks.preflight import check_topics
from spark_app.errors import PreflightError
from tests.producer.empty_topics import empty_topics


@pytest.fixture
def unit(broker: Broker, tmp_path: Path) -> Unit:
    """A version of which the sessions query read three messages of plays[0]; the topics hold as many, then more."""
    topics.create(broker.kafka)
    empty_topics(broker.kafka)
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for _ in range(4):
            producer.send(PLAYS, b"[]", partition=0).get(30)
    unit = Unit(tmp_path)
    offsets = unit.checkpoints / "sessions" / "offsets"
    offsets.mkdir(parents=True)
    (offsets / "9").write_text('v1\n{"batchWatermarkMs":0}\n{"plays":{"0":99}}\n-')
    read = ["v1", '{"batchWatermarkMs":0}', json.dumps({PLAYS: {"0": 3}}), json.dumps({ACTIVITY: {"0": 0}})]
    (offsets / "10").write_text("\n".join(read))
    return unit


def test_topics_that_hold_what_was_read_and_more_pass_and_are_counted(broker: Broker, unit: Unit) -> None:
    assert check_topics(broker.kafka, unit) == {PLAYS: 4, ACTIVITY: 0}


def test_a_topic_that_was_created_again_is_refused_with_both_offsets_and_the_way_out(
    broker: Broker, unit: Unit
) -> None:
    empty_topics(broker.kafka)
    with pytest.raises(
        PreflightError, match=r"plays\[0\] ends at offset 0, but query sessions has read up to 3"
    ) as refusal:
        check_topics(broker.kafka, unit)
    assert "playproof up --fresh" in str(refusal.value)
