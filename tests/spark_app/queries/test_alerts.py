"""Table and topic of alerts: once per task and micro-batch, also where it is repeated; what is withdrawn."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.tables import SESSIONS
from contracts.topics import ALERTS, TOPICS
from models.tables.alerts import AlertCounts, count_alerts
from ops.stack.broker import Broker
from producer.kafka import topics
from runtime.lake import committed_files
from runtime.parquet import read_parquet
from runtime.world import Unit
from spark_app.queries.alerts import NAME, commit, send, write_part
from spark_app.stages.alerts.messages import ALERT_SCHEMA, to_message
from spark_app.stages.alerts.split_alerts import score_and_publish
from tests.flow.lake import messages

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
RAISED: dict[str, Any] = {
    "session_key": "u1:5", "user_id": "u1", "started_at": "2026-03-01T12:00:00.000Z",
    "looked_at": "2026-03-01T12:20:00.250Z", "rows": 16, "plays": 12, "streams": 11, "money_eur": 0.0385, "score": 0.97,
    "reasons": [{"feature": "duty", "value": None, "contribution": 1.5}], "model_version": "tiny@1", "ts": 7,
    "withdrawn": False,
}  # fmt: skip


def alert(key: str) -> str:
    return to_message(RAISED | {"session_key": key}, AT.timestamp())


def keys(table: Path) -> list[str]:
    return sorted(key for file in committed_files(table) for key in read_parquet(file)["session_key"].to_pylist())


def test_a_message_has_the_fields_of_the_topic_and_is_a_row_of_the_table(tmp_path: Path) -> None:
    message = alert("u1:5")
    assert tuple(json.loads(message)) == TOPICS[ALERTS].row_fields
    write_part(Unit(tmp_path).table(NAME), 3, 1, [message])
    commit(Unit(tmp_path), "sessions", 3)
    (file,) = committed_files(Unit(tmp_path).table(NAME))
    table = read_parquet(file)
    assert table.schema.equals(ALERT_SCHEMA)
    (row,) = table.to_pylist()
    assert row["looked_at"] == datetime(2026, 3, 1, 12, 20, 0, 250_000, tzinfo=UTC)
    assert row | {name: RAISED[name] for name in ("started_at", "looked_at")} == RAISED | {"alerted_at": AT}


def test_a_repeated_task_replaces_what_it_wrote_and_a_repeated_micro_batch_adds_nothing(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    table = unit.table(NAME)
    write_part(table, 3, 0, [alert("u1:5"), alert("u2:6")])
    write_part(table, 3, 1, [alert("u3:7")])
    write_part(table, 3, 2, [alert("u4:8")])
    write_part(table, 3, 0, [alert("u1:5")])
    write_part(table, 3, 2, [])
    assert keys(table) == [], "nothing counts before the driver has added it"
    for _ in range(2):
        commit(unit, "sessions", 3)
        assert keys(table) == ["u1:5", "u3:7"]
        write_part(table, 3, 1, [alert("u3:7")])
    write_part(table, 4, 0, [alert("u5:9")])
    commit(unit, "sessions", 4)
    assert keys(table) == ["u1:5", "u3:7", "u5:9"]
    assert len(list(table.rglob("*.parquet"))) == 3


def test_alerts_leave_the_pass_and_one_that_the_closed_session_does_not_bear_out_is_withdrawn() -> None:
    sessions = [("u1", False, True), ("u2", True, True), ("u3", False, None), ("u4", False, False)]
    rows = {
        "user_id": [user for user, _, _ in sessions] + [""],
        "is_flagged": [flagged for _, flagged, _ in sessions] + [None],
        "alert": [None] * len(sessions) + [alert("u9:9")],
        "was_alerted": [had for _, _, had in sessions] + [None],
    }
    published: list[Sequence[str]] = []
    batch = pa.RecordBatch.from_pydict(rows)
    scored = list(score_and_publish([batch, batch.slice(4)], [_as_scored], published.append, clock=AT.timestamp))
    assert [one.column("user_id").to_pylist() for one in scored] == [["u1", "u2", "u3", "u4"]]
    (messages,) = published
    first, withdrawn, again = map(json.loads, messages)
    assert first == again == json.loads(alert("u9:9"))
    assert withdrawn == {
        "session_key": "u1:0", "user_id": "u1", "started_at": "2026-03-01T12:30:00.000Z",
        "looked_at": "2026-03-01T12:30:00.000Z", "rows": 5, "plays": 3, "streams": 2, "money_eur": 0.007, "score": 0.1,
        "reasons": [], "model_version": "final@1", "ts": 9, "alerted_at": "2026-03-01T12:30:00.000Z", "withdrawn": True,
    }  # fmt: skip


def _as_scored(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Stand in for features and score: a final score under the threshold where `is_flagged` is false."""
    constant = {
        "started_at": AT, "ended_at": AT, "ts": 9, "streams": 2.0, "score": 0.1, "reasons": [],
        "model_version": "final@1", "plays_rows": 3, "activity_rows": 2,
    }  # fmt: skip
    sessions = [
        {name: constant.get(name) for name in (c.name for c in SESSIONS)}
        | {"user_id": row["user_id"], "is_flagged": row["is_flagged"], "session_key": f"{row['user_id']}:0"}
        for row in batch.to_pylist()
    ]
    return pa.RecordBatch.from_pylist(sessions)


def test_alerts_are_counted_raised_and_withdrawn_in_all_or_since_a_time(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    table = unit.table(NAME)
    late = to_message(RAISED | {"session_key": "u3:7"}, AT.timestamp() + 60)
    write_part(table, 1, 0, [alert("u1:5"), alert("u2:6")])
    commit(unit, "sessions", 1)
    write_part(table, 2, 0, [to_message(RAISED | {"withdrawn": True, "score": 0.1}, AT.timestamp() + 60), late])
    commit(unit, "sessions", 2)
    assert count_alerts(unit) == AlertCounts(raised=3, withdrawn=1)
    assert str(count_alerts(unit, AT.timestamp() + 1)) == "1 raised, 1 withdrawn"
    assert count_alerts(Unit(tmp_path / "none")) == AlertCounts()


def test_alerts_are_in_the_topic_by_their_session_once_they_are_sent(broker: Broker) -> None:
    topics.create(broker.kafka)
    send(broker.kafka, [alert("u1:5"), alert("u2:6")])
    send(broker.kafka, [alert("u3:7")])
    assert sorted(value["session_key"] for _, _, value in messages(broker.address, ALERTS)) == ["u1:5", "u2:6", "u3:7"]
