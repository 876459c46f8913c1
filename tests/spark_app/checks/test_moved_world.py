"""The logs of a world that was moved name its files where they are; those of one that stayed are not touched."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from runtime.errors import CheckpointError
from runtime.lake import committed_files
from runtime.world import Unit
from spark_app.checks.moved_world import address_of, follow_move

PART = "date=2025-03-03/part-0.parquet"


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """A unit with a table, and a report and a challenger that have read it, as Spark leaves them."""
    unit = Unit(tmp_path / "old place" / "v1")
    part = unit.table("sessions") / PART
    part.parent.mkdir(parents=True)
    part.touch()
    address = f"file://{str(part).replace(' ', '%20')}"
    of_sink, of_source = {"size": 1, "action": "add"}, {"batchId": 0}
    for log, more in ((sink_log(unit), of_sink), (source_log(unit), of_source), (challenger_log(unit), of_source)):
        log.parent.mkdir(parents=True)
        log.write_text("v1\n" + json.dumps({"path": address, **more}, separators=(",", ":")))
        log.with_name(f".{log.name}.crc").write_text("checksum")
    topic = unit.checkpoints / "sessions" / "sources" / "0" / "0"
    topic.parent.mkdir(parents=True)
    topic.write_text('\0v1\n{"plays":{"0":0}}')
    return unit


def sink_log(unit: Unit) -> Path:
    return unit.table("sessions") / "_spark_metadata" / "9.compact"


def source_log(unit: Unit) -> Path:
    return unit.checkpoints / "scores" / "sources" / "0" / "3"


def challenger_log(unit: Unit) -> Path:
    return unit.checkpoints / "shadow" / "candidate-1" / "sources" / "0" / "3"


def test_a_world_that_stayed_keeps_its_logs(unit: Unit) -> None:
    assert follow_move(unit) == 0
    assert sink_log(unit).with_name(".9.compact.crc").exists()


@pytest.mark.parametrize("name", ["elsewhere", "über & (neu), 100 %"])
def test_a_moved_world_names_its_files_where_they_are(unit: Unit, tmp_path: Path, name: str) -> None:
    moved = Unit((tmp_path / "old place").rename(tmp_path / name) / "v1")
    assert follow_move(moved) == 3
    assert committed_files(moved.table("sessions")) == [moved.table("sessions") / PART]
    for log in (sink_log(moved), source_log(moved), challenger_log(moved)):
        assert "old" not in log.read_text()
        assert not log.with_name(f".{log.name}.crc").exists(), "it is of the old content"
    assert json.loads(sink_log(moved).read_text().splitlines()[1]).keys() == {"path", "size", "action"}
    assert follow_move(moved) == 0


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("a b&c(d)", "a%20b&c(d)"),
        ("über & (neu), 100 %", "über%20&%20(neu),%20100%20%25"),
        ("u\u0308ber\u00a0neu", "u\u0308ber%C2%A0neu"),
    ],
    ids=["ascii", "letters", "decomposed"],
)
def test_a_path_is_written_as_spark_writes_it(unit: Unit, tmp_path: Path, name: str, encoded: str) -> None:
    moved = Unit((tmp_path / "old place").rename(tmp_path / name) / "v1")
    follow_move(moved)
    for log in (sink_log(moved), source_log(moved), challenger_log(moved)):
        assert f"/{encoded}/v1/lake/sessions/date=2025-03-03/part-0.parquet" in log.read_text()


def test_every_character_is_written_as_java_writes_it(spark: SparkSession) -> None:
    path = "/" + "".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x10000)])) + "🎵"
    assert spark._jvm is not None
    assert address_of(Path(path)) == "file://" + spark._jvm.org.apache.hadoop.fs.Path(path).toUri().toString()


@pytest.mark.parametrize("path", ["v1/heartbeats/browsing/7.json", "v1/lake/predictions/part-0.parquet"])
def test_every_log_of_files_of_the_version_follows(unit: Unit, tmp_path: Path, path: str) -> None:
    source_log(unit).write_text(f'v1\n{{"path":"file:///somewhere/old%20place/{path}","timestamp":1,"batchId":0}}')
    assert follow_move(unit) == 1
    assert f'{unit.root.parent.as_posix()}/{path}"'.replace(" ", "%20") in source_log(unit).read_text()


def test_a_file_of_another_folder_stays_where_it_is(unit: Unit) -> None:
    foreign = 'v1\n{"path":"file:///elsewhere/beats/7.json","timestamp":1,"batchId":0}'
    source_log(unit).write_text(foreign)
    assert follow_move(unit) == 0
    assert source_log(unit).read_text() == foreign


@pytest.mark.parametrize("rest", ["", "somewhere/v1/lake/par", '/v1/part-0.parquet"}\n{"batchId":0}', '/part-0"}\n5'])
def test_a_log_that_is_damaged_is_named_and_left_as_it_is(unit: Unit, rest: str) -> None:
    source_log(unit).write_text('v1\n{"path":"file:' + rest)
    with pytest.raises(CheckpointError, match=r"scores/sources/0/3 is unreadable .*: restore it from a copy$"):
        follow_move(unit)
    assert source_log(unit).read_text() == 'v1\n{"path":"file:' + rest
