"""The archive of one micro-batch: good rows by date, rejected ones with their reason, addresses hashed; idempotent."""

import hashlib

import pytest
from pyspark.sql import Row, SparkSession

from contracts import events
from contracts.events import ACTIVITY, HEARTBEAT_USER, PLAYS
from contracts.tables import LAKE
from runtime.lake import batch_of, committed_files
from runtime.world import Unit
from spark_app.queries.archive import HASH_CHARS, archive_batch
from tests.spark_app.messages import arrived, clock, list_of, message, sent

MESSAGES = [
    message(
        list_of(
            [
                sent(play_id="p1", ip="192.0.2.1", event_time="2026-03-01T00:00:00.000Z"),
                sent(play_id="p2", ip="192.0.2.1", event_time="2026-02-28T23:59:59.999Z"),
                sent(play_id="p3", ip=None),
                sent(user_id=HEARTBEAT_USER),
                sent(play_id="bad", event_time="12:30", context_id="x" * 1000),
            ]
        )
    ),
    message("<html>", offset=1, headers=clock(rows=200)),
    message(list_of([sent(ACTIVITY), sent(ACTIVITY, action="levitate")]), topic=ACTIVITY),
]


@pytest.fixture(scope="module")
def unit(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Unit:
    """A unit with batch 4 archived twice, as after a crash, and batch 5, in which nothing is wrong, once."""
    unit = Unit(tmp_path_factory.mktemp("unit"))
    for _ in range(2):
        archive_batch(arrived(spark, MESSAGES), 4, unit=unit, hash_key="k")
    archive_batch(arrived(spark, [message(list_of([sent(play_id="p4")]))]), 5, unit=unit, hash_key="k")
    return unit


def table(spark: SparkSession, unit: Unit, name: str) -> list[Row]:
    files = map(str, committed_files(unit.table(name)))
    return spark.read.option("basePath", str(unit.table(name))).parquet(*files).collect()


def test_a_batch_archived_twice_holds_each_good_row_once(spark: SparkSession, unit: Unit) -> None:
    assert sorted(r["play_id"] for r in table(spark, unit, PLAYS)) == ["p1", "p2", "p3", "p4"]
    assert {batch_of(file) for file in committed_files(unit.table(PLAYS))} == {4, 5}
    assert [r["event_id"] for r in table(spark, unit, ACTIVITY)] == ["e1"]


def test_rows_lie_in_the_folder_of_their_utc_date(spark: SparkSession, unit: Unit) -> None:
    dates = {r["play_id"]: str(r["date"]) for r in table(spark, unit, PLAYS)}
    assert (dates["p1"], dates["p2"]) == ("2026-03-01", "2026-02-28")
    assert set(table(spark, unit, PLAYS)[0].asDict()) == {c.name for c in LAKE[PLAYS]} | {"date"}


def test_addresses_are_keyed_hashes_and_unknown_ones_stay_unknown(spark: SparkSession, unit: Unit) -> None:
    addresses = {r["play_id"]: r["ip"] for r in table(spark, unit, PLAYS)}
    assert addresses["p1"] == addresses["p2"] == hashlib.sha256(b"k192.0.2.1").hexdigest()[:HASH_CHARS]
    assert addresses["p3"] is None


def test_rejected_rows_are_kept_with_their_reason_and_a_cut_payload(spark: SparkSession, unit: Unit) -> None:
    found = {(r["topic"], r["offset"], r["position"]): r for r in table(spark, unit, "rejected")}
    assert {place: (r["reason"], r["rows"]) for place, r in found.items()} == {
        (PLAYS, 0, 4): (events.PLAY_FIELDS[3].rejection, 1),
        (PLAYS, 1, None): (events.UNREADABLE, 200),
        (ACTIVITY, 0, 1): (events.ACTIVITY_FIELDS[4].rejection, 1),
    }
    assert found[PLAYS, 1, None]["payload"] == "<html>"
    assert len(found[PLAYS, 0, 4]["payload"]) == 500


def test_a_batch_without_a_bad_row_writes_no_file_of_rejected_rows(unit: Unit) -> None:
    assert {batch_of(file) for file in committed_files(unit.table("rejected"))} == {4}
