"""Where no broker answers, a replay is told so by the one error after which it waits and goes on."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.events import PLAYS
from ops.stack.ports import free_port
from producer.errors import DeliveryError
from producer.kafka.messages import Identity, Message, read_identity
from producer.kafka.sender import Sender, arrived_messages, message_counts
from runtime.kafka.connection import KafkaConnection


class Impatient(KafkaConnection):
    """Gives up after a tenth of a second, where a client waits for half a minute."""

    def python(self) -> dict[str, Any]:
        return super().python() | {"bootstrap_timeout_ms": 100}


@pytest.mark.parametrize(
    "ask",
    [
        lambda kafka: Sender(kafka, {PLAYS: 1}),
        lambda kafka: arrived_messages(kafka, PLAYS, 1, {}),
        lambda kafka: message_counts(kafka, [PLAYS]),
    ],
    ids=["send", "arrived", "counts"],
)
def test_a_broker_that_is_gone_is_an_error_that_a_replay_waits_for(ask: Callable[[KafkaConnection], Any]) -> None:
    with pytest.raises(
        DeliveryError, match=r"the broker did not answer \(.*\): see that it runs, then start the replay"
    ):
        ask(Impatient(f"127.0.0.1:{free_port()}"))


@pytest.mark.parametrize("name", ["message", "batch", "clock_ms"])
@pytest.mark.parametrize("value", [b"abc", None, b"1_0", b"9" * 5000], ids=["word", "null", "underscore", "long"])
def test_a_message_of_another_producer_is_none_of_a_replay(name: str, value: bytes | None) -> None:
    ours = Message(PLAYS, b"[]", 0, batch=7, clock_ms=99).headers(10)
    assert read_identity(ours) == Identity(number=10, batch=7, clock_ms=99)
    assert read_identity([(name, value), *ours]) is None
    assert read_identity([(key, text) for key, text in ours if key != name]) is None
