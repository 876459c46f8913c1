"""The checks before Spark starts, on a real broker."""

import json
import math
from configparser import ConfigParser
from pathlib import Path

import pytest
from kafka import KafkaProducer

from contracts.events import ACTIVITY, PLAYS
from ops.stack.broker import Broker
from ops.stack.supervisor import CONFIGURATION
from producer.kafka import topics
from runtime.errors import AccessError, BrokerError
from runtime.kafka.connection import KafkaConnection
from runtime.resources import shipped
from runtime.world import Unit
from spark_app.checks import preflight
from spark_app.checks.preflight import check_read, check_topics
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


def test_messages_that_kafka_removed_before_they_were_read_are_named() -> None:
    read, ends = {(PLAYS, 0): 7, (PLAYS, 1): 3}, {(PLAYS, 0): 9, (PLAYS, 1): 3}
    check_read("sessions", read, {(PLAYS, 0): 7, (PLAYS, 1): 3}, ends)
    with pytest.raises(
        PreflightError, match=r"plays\[0\] begins at offset 9, but query sessions .* removed 2 messages"
    ):
        check_read("sessions", read, {(PLAYS, 0): 9, (PLAYS, 1): 3}, ends)


def test_a_patient_job_waits_for_an_absent_broker_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waits: list[float] = []

    def wait_until_up(kafka: KafkaConnection, within_s: float) -> None:
        waits.append(within_s)
        if within_s < math.inf:
            raise BrokerError("no broker answers")

    monkeypatch.setattr(preflight, "wait_until_up", wait_until_up)
    preflight.wait_for_broker(KafkaConnection("127.0.0.1:1"))
    assert waits == [preflight.ANSWERS_WITHIN_S, math.inf]
    assert capsys.readouterr().err == "waiting for the broker: no broker answers\n"


def test_a_patient_job_does_not_wait_for_a_broker_that_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait_until_up(kafka: KafkaConnection, within_s: float) -> None:
        raise AccessError("the broker refuses user job")

    monkeypatch.setattr(preflight, "wait_until_up", wait_until_up)
    with pytest.raises(AccessError):
        preflight.wait_for_broker(KafkaConnection("127.0.0.1:1"))


def test_the_supervised_job_is_patient() -> None:
    """A start that fails within seconds, some times in a row, would be given up by supervisord."""
    configuration = ConfigParser(interpolation=None)
    configuration.read(shipped(CONFIGURATION))
    assert configuration["program:job"]["command"].endswith(" job run --ui --metrics --wait-for-broker")
