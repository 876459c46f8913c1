"""Which sessions meet the rules that run: exactly once, with the rules of the micro-batch; they cannot stop the job."""

import math
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from contracts.features import FEATURE_NAMES
from contracts.rules import RULE_HITS
from contracts.tables import SESSIONS
from contracts.topics import RULES
from models.rules.rule_set import RuleSet, RunningRule
from models.rules.store import RuleStore
from ops.stack.broker import Broker
from ops.stack.ports import free_port
from producer.kafka import topics
from runtime.errors import BrokerError
from runtime.kafka.compacted import send_messages
from runtime.kafka.connection import KafkaConnection
from runtime.lake import committed_files
from runtime.monitoring.rules import rules_record
from runtime.parquet import read_parquet
from runtime.world import Unit, World
from spark_app.queries import rule_hits as query
from spark_app.stages.rules.meet_rules import SCHEMA, exemptions, meet_rules, needed_columns
from tests import lake_rows
from tests.spark_app.scored import SCORED_AT, scored, table_of

LOOP = RunningRule("loop", 2, "active", "stops at 31 s", "session", "share_30_35 > 0.8 and streams >= 10")
NIGHT = RunningRule("night", 1, "shadow", "at night", "session", "night_share > 0.5")
DAYS = RunningRule("days", 1, "active", "many", "day", "plays_day > 5")
SESSIONS_SCORED = [
    scored(1, share_30_35=0.9, tracks={"t1": 12}),
    scored(2, share_30_35=0.9, tracks={"t1": 3}, night_share=0.9),
    scored(3, tracks={"t1": 12}),
    scored(4, share_30_35=0.9, tracks={"t1": 12}, user_id="u2", is_flagged=True, night_share=0.2),
]


def message(*rules: RunningRule, rule_id: str = "loop", sequence: int = 1, **others: Any) -> bytes:
    versions = [{"version": r.version, "state": r.state, "expression": r.expression} for r in rules]
    row = {"rule_id": rule_id, "kind": "rule", "sequence": sequence, "title": "stops at 31 s", "grain": "session"}
    return orjson.dumps(row | {"running": versions, "subject": "", "until": ""} | others)


def hits(unit: Unit) -> list[dict[str, Any]]:
    return [row for file in committed_files(unit.table(query.NAME)) for row in read_parquet(file).to_pylist()]


def summary(unit: Unit) -> list[tuple[str, str, int, str]]:
    return sorted((row["session_key"], row["rule_id"], row["rule_version"], row["state"]) for row in hits(unit))


def record_batch(*sessions: dict[str, Any]) -> pa.RecordBatch:
    types = {c.name: pa.float64() for c in SESSIONS if c.name in FEATURE_NAMES} | {
        "session_key": pa.string(), "user_id": pa.string(), "is_flagged": pa.bool_(),
        "scored_at": pa.timestamp("us", "UTC"),
        "track_counts": pa.list_(pa.struct([("track_id", pa.string()), ("streams", pa.int32())])),
    }  # fmt: skip
    rows = [
        s | {"track_counts": [dict(zip(("track_id", "streams"), t, strict=True)) for t in s["track_counts"]]}
        for s in sessions
    ]
    return pa.RecordBatch.from_pylist([{n: row.get(n) for n in types} for row in rows], pa.schema(list(types.items())))


def test_a_hit_names_rule_version_and_state_with_the_values_that_the_rule_reads() -> None:
    rules = RuleSet((LOOP, NIGHT, DAYS))
    assert needed_columns(rules)[-2:] == ["share_30_35", "night_share"]
    found = meet_rules(record_batch(*SESSIONS_SCORED), rules)
    assert found.schema.names == [c.name for c in RULE_HITS]
    assert found.schema == SCHEMA
    first, second, third = found.to_pylist()
    assert (first["session_key"], first["rule_id"], first["rule_version"], first["state"]) == (
        "s1",
        "loop",
        2,
        "active",
    )
    assert first["features"] == [{"feature": "share_30_35", "value": 0.9}, {"feature": "streams", "value": 12.0}]
    assert (first["streams"], first["allowed_by"], first["is_flagged"], first["scored_at"]) == (
        12, None, False, scored(1)["scored_at"],
    )  # fmt: skip
    assert (second["session_key"], second["is_flagged"]) == ("s4", True)
    assert (third["session_key"], third["rule_id"], third["state"]) == ("s2", "night", "shadow")


def test_no_session_and_no_hit_are_empty_tables() -> None:
    batch = record_batch(*SESSIONS_SCORED)
    assert meet_rules(batch.slice(0, 0), RuleSet((LOOP,))).num_rows == 0
    assert meet_rules(batch, RuleSet()).schema == SCHEMA


def test_exempt_are_an_account_and_sessions_with_half_of_their_streams_on_an_exempt_track_up_to_its_day() -> None:
    day = SCORED_AT.date().isoformat()
    batch = record_batch(
        scored(1, user_id="u1"), scored(2, user_id="u2", tracks={"t1": 5, "t2": 5}),
        scored(3, user_id="u2", tracks={"t1": 4, "t2": 5}), scored(4, user_id="u2", tracks={"t2": 0}),
    )  # fmt: skip
    entries = (("account", "u1", day), ("track", "t1", day), ("account", "u2", "2026-02-28"))
    assert exemptions(batch, RuleSet(exempt=entries)) == ["account:u1", "track:t1", None, None]
    found = meet_rules(batch, RuleSet((RunningRule("a", 1, "active", "", "session", "plays > 0"),), entries))
    assert found["allowed_by"].to_pylist() == ["account:u1", "track:t1", None, None]


def test_a_micro_batch_that_is_repeated_has_its_rules_and_the_next_one_has_the_new_rules(
    spark: SparkSession, tmp_path: Path
) -> None:
    unit, held = Unit(tmp_path / "v1"), [message(LOOP)]
    sessions = table_of(spark, *SESSIONS_SCORED)
    query.RuleEvaluator(unit, lambda: held)(sessions, 0)
    before = [("s1", "loop", 2, "active"), ("s4", "loop", 2, "active")]
    assert summary(unit) == before
    held.append(message(NIGHT, rule_id="night"))
    again = query.RuleEvaluator(unit, lambda: held)
    again(sessions, 0)  # as after a crash: the topic has another rule by now
    assert summary(unit) == before
    again(sessions, 1)
    assert summary(unit) == sorted([*before, *before, ("s2", "night", 1, "shadow")])
    record = rules_record(unit)
    assert (record["batch_id"], [row[0] for row in record["rules"]], record["trouble"]) == (1, ["loop", "night"], "")


def test_a_broken_message_and_a_broker_that_is_away_leave_the_last_good_rules(
    spark: SparkSession, tmp_path: Path
) -> None:
    unit, sessions = Unit(tmp_path / "v1"), table_of(spark, *SESSIONS_SCORED)
    wrong = message(LOOP, rule_id="wrong", running=[{"version": 1, "state": "active", "expression": "stream > 1"}])
    query.RuleEvaluator(unit, lambda: [b"{", wrong, message(LOOP)])(sessions, 0)
    assert summary(unit) == [("s1", "loop", 2, "active"), ("s4", "loop", 2, "active")]
    assert len(rules_record(unit)["refused"]) == 2

    def away() -> list[bytes]:
        raise BrokerError("no broker answers")

    query.RuleEvaluator(unit, away)(sessions, 1)
    assert len(summary(unit)) == 4
    assert rules_record(unit)["trouble"] == "no broker answers"
    assert math.isclose(hits(unit)[0]["features"][0]["value"], 0.9)


def test_a_rule_becomes_active_in_the_next_micro_batch_of_a_running_query_whatever_else_is_in_the_topic(
    spark: SparkSession, broker: Broker, tmp_path: Path
) -> None:
    topics.create(broker.kafka)
    world = World(tmp_path / "w")
    store, arrivals = RuleStore(world.rules), world.unit.table("sessions")
    store.draft("loop", "stops at 31 s", "session", LOOP.expression, "ana")
    store.add_test("loop", 1, "ana", {})
    store.step("loop", 1, "shadow", "ana", set())
    send_messages(broker.kafka, RULES, {"broken": b"{"})
    query.send_record(world, broker.kafka)  # as the job at its start, whose topic is empty
    arrive(spark, arrivals, SESSIONS_SCORED[0])
    running = query.write(spark, world.unit, broker.kafka).trigger(processingTime="0 seconds").start()
    try:
        running.processAllAvailable()
        store.step("loop", 1, "active", "ben", {"ana", "ben"})
        query.send_record(world, broker.kafka)
        arrive(spark, arrivals, SESSIONS_SCORED[3])
        running.processAllAvailable()
    finally:
        running.stop()
    assert summary(world.unit) == [("s1", "loop", 1, "shadow"), ("s4", "loop", 1, "active")]
    record = rules_record(world.unit)
    assert (record["refused"], record["trouble"]) == (["a message of topic rules is no JSON"], "")


def arrive(spark: SparkSession, table: Path, session: dict[str, Any]) -> None:
    """Commit a session to lake/sessions."""
    lake_rows.commit(table, table_of(spark, session).toArrow())


def test_rules_that_cannot_be_sent_are_one_line_and_the_job_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, nowhere = World(tmp_path / "w"), KafkaConnection(f"127.0.0.1:{free_port()}")
    query.send_record(world, nowhere)
    assert capsys.readouterr().err == "", "a world without rules has nothing to send"
    world.root.mkdir()
    world.rules.write_bytes(b"no database, by its length too")
    query.send_record(world, nowhere)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("rules are not sent (")
    assert "restore it from a copy" in line


def test_without_rules_nothing_is_computed_and_old_rules_of_batches_are_forgotten(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "KEPT_BATCHES", 2)
    unit = Unit(tmp_path / "v1")
    evaluator = query.RuleEvaluator(unit, list)
    for batch_id in range(4):
        evaluator(table_of(spark).where("1 / 0 = 1"), batch_id)  # would fail if it were read
    assert sorted(f.name for f in (unit.checkpoints / query.NAME / query.PINNED).iterdir()) == ["2", "3"]
    assert committed_files(unit.table(query.NAME)) == []


def test_where_the_query_fails_the_job_is_told_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unit = Unit(tmp_path / "v1")
    query.remove(unit, "query rule_hits stopped: disk full")
    assert rules_record(unit)["trouble"] == "query rule_hits stopped: disk full"
    assert "the model scores on" in capsys.readouterr().err
