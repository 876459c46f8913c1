"""Whatever error comes, no thread behind the pages ends: it is said in one line, and tried again."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from consumer_viz.dashboard import state as state_module
from consumer_viz.dashboard.decisions import webhook
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.decisions.webhook import Webhook
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.rules import outbox
from consumer_viz.dashboard.rules.outbox import RuleOutbox
from consumer_viz.dashboard.state import AppState
from consumer_viz.feed import consumer
from consumer_viz.feed.consumer import KafkaFeed
from models.rules.store import RuleStore
from ops.stack.ports import free_port
from runtime.errors import SecuritySettingError
from runtime.kafka.connection import KafkaConnection
from tests.flow.stage import wait_until


class Fault:
    """Raises an error where it is looked for, as long as there is one."""

    def __init__(self, error: Exception, said: str) -> None:
        self.error: Exception | None = error
        self.name, self.said = type(error).__name__, said

    def check(self) -> None:
        error = self.error
        if error is not None:
            raise error


@pytest.fixture(params=["of ours", "any other"])
def fault(request: pytest.FixtureRequest) -> Fault:
    if request.param == "of ours":
        return Fault(SecuritySettingError("ca.pem cannot be read"), "ca.pem cannot be read")
    return Fault(TypeError("odd"), "TypeError: odd")


def wait_for_the_next_try(fault: Fault, trouble: Callable[[], str], after: str = "") -> None:
    """Wait until the fault is told, mend it, and wait until only `after` is told."""
    wait_until(lambda: fault.said in trouble(), "the fault is told")
    fault.error = None
    wait_until(lambda: after in trouble() if after else not trouble(), "tried again")


def test_of_the_rules(
    tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Damaged(RuleStore):
        def sequences(self) -> dict[str, int]:
            fault.check()
            return super().sequences()

    monkeypatch.setattr(outbox, "POLL_S", 0.01)
    store = Damaged(tmp_path / "rules.sqlite")
    with RuleOutbox(store, KafkaConnection(f"127.0.0.1:{free_port()}"), retry_s=0.01) as sending:
        wait_for_the_next_try(fault, lambda: sending.trouble.text)
    assert capsys.readouterr().err == f"desk: nothing goes to topic rules: {fault.said}\n"


def test_of_the_webhook(
    tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks: list[Callable[[], None]] = []

    def now() -> datetime:
        for check in checks:
            check()
        return datetime.now(UTC)

    monkeypatch.setattr(webhook, "POLL_S", 0.01)
    store = VerdictStore(tmp_path / "verdicts.sqlite", now)
    checks.append(fault.check)
    receiver = httpx.MockTransport(lambda request: httpx.Response(200))
    with Webhook(store, "https://pay.example/", SecretStr("a-secret-of-the-tests"), receiver) as sending:
        wait_for_the_next_try(fault, lambda: sending.trouble.text)
    assert capsys.readouterr().err == f"desk: nothing goes to the webhook: {fault.said}\n"


def test_of_the_feed(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[Callable[[], None]] = []

    class Replaced(KafkaConnection):
        def python(self) -> dict[str, Any]:
            for check in checks:
                check()
            return super().python()

    monkeypatch.setattr(consumer, "CHECK_S", 0.01)
    with_certificates = Replaced(f"127.0.0.1:{free_port()}")
    feed = KafkaFeed(with_certificates, since_s=None)
    checks.append(fault.check)
    with feed:
        wait_for_the_next_try(fault, lambda: feed.snapshot().trouble, after="no broker answers at 127.0.0.1")


def test_of_the_index(
    state: AppState, fault: Fault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refresh = CaseIndex.refresh

    def refresh_or_fail(index: CaseIndex) -> bool:
        fault.check()
        return refresh(index)

    monkeypatch.setattr(CaseIndex, "refresh", refresh_or_fail)
    monkeypatch.setattr(state_module, "REFRESH_S", 0.01)
    fault.said = f"the lake could not be read ({fault.name})"
    with state:
        wait_for_the_next_try(fault, lambda: state.trouble)
    assert sum(fault.said in message for message in caplog.messages) == 1
