"""Spark's checkpoint says which micro-batch read which offsets, also after Spark has forgotten the old ones."""

from pathlib import Path

import numpy as np
import pytest

from runtime.checkpoint import keep_offsets, last_committed, planned_ends, read_offset_log, unreadable_file
from runtime.errors import CheckpointError
from runtime.world import Unit


def offsets(folder: Path, batch: int, watermark_ms: int, *sources: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    metadata = f'{{"batchWatermarkMs":{watermark_ms},"batchTimestampMs":1,"conf":{{}}}}'
    (folder / str(batch)).write_text("\n".join(["v1", metadata, *sources]))


def test_each_offset_belongs_to_the_micro_batch_that_ends_behind_it(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    offsets(unit.checkpoints / "q" / "offsets", 0, 0, '{"plays":{"0":2,"1":0}}', "-")
    offsets(unit.checkpoints / "q" / "offsets", 1, 5_000, '{"plays":{"0":2,"1":3}}', '{"activity":{"0":1}}')
    progress = read_offset_log(unit, "q", 1)
    assert progress.watermarks.tolist() == [0, 5_000]
    assert progress.batch_of("plays", 0, np.arange(4)).tolist() == [0, 0, 2, 2]
    assert progress.batch_of("plays", 1, np.arange(4)).tolist() == [1, 1, 1, 2]
    assert progress.batch_of("activity", 0, np.arange(2)).tolist() == [1, 2]
    assert progress.batch_of("activity", 3, np.arange(2)).tolist() == [2, 2]


def test_copies_stand_in_for_offsets_that_spark_has_removed(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    offsets(unit.offsets / "q", 0, 0, '{"plays":{"0":2}}')
    offsets(unit.checkpoints / "q" / "offsets", 1, 7, '{"plays":{"0":4}}')
    assert read_offset_log(unit, "q", 1).watermark_ms == 7


def test_offsets_that_are_nowhere_are_named(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    offsets(unit.checkpoints / "q" / "offsets", 1, 7, '{"plays":{"0":4}}')
    with pytest.raises(CheckpointError, match=r"offsets of micro-batch 0 of query q .* neither in"):
        read_offset_log(unit, "q", 1)


def test_an_unreadable_offset_file_is_named(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    (unit.checkpoints / "q" / "offsets").mkdir(parents=True)
    (unit.checkpoints / "q" / "offsets" / "0").write_text("v1\n")
    with pytest.raises(CheckpointError, match="offsets/0 is unreadable"):
        read_offset_log(unit, "q", 0)


def test_before_the_first_micro_batch_nothing_was_read(tmp_path: Path) -> None:
    progress = read_offset_log(Unit(tmp_path), "q", last_committed(Unit(tmp_path), "q"))
    assert len(progress) == 0
    assert progress.batch_of("plays", 0, np.arange(2)).tolist() == [0, 0]


def test_output_that_the_sink_wrote_counts_although_the_commit_is_missing(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    for folder, names in (
        (unit.checkpoints / "q" / "commits", ["0", ".0.crc"]),
        (unit.table("q") / "_spark_metadata", ["0", "1"]),
    ):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).touch()
    assert last_committed(unit, "q") == 1


def test_the_newest_micro_batch_counts_by_number_not_by_name(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    assert planned_ends(unit, "q") == {}
    offsets(unit.checkpoints / "q" / "offsets", 9, 0, '{"plays":{"0":99}}', "-")
    offsets(unit.checkpoints / "q" / "offsets", 10, 0, '{"plays":{"0":3}}', '{"activity":{"0":0}}')
    assert planned_ends(unit, "q") == {("plays", 0): 3, ("activity", 0): 0}


@pytest.mark.parametrize("text", ["", "v1\n{}\n-", 'v1\n{"batchWatermarkMs":0}\n{"plays":3}', 'v1\n{"batchWaterm'])
def test_an_offset_file_that_is_cut_is_an_error_in_one_line(tmp_path: Path, text: str) -> None:
    unit = Unit(tmp_path)
    (unit.checkpoints / "q" / "offsets").mkdir(parents=True)
    (unit.checkpoints / "q" / "offsets" / "7").write_text(text)
    with pytest.raises(CheckpointError, match=r"^offset file .*offsets/7 is unreadable .*: restore it from a copy$"):
        planned_ends(unit, "q")


def test_offset_files_are_kept_after_spark_has_forgotten_them(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    log = unit.checkpoints / "sessions" / "offsets"
    log.mkdir(parents=True)
    (log / "0").write_text("first")
    (log / ".1.crc").write_text("no offsets")
    keep_offsets(unit, "sessions")
    (log / "0").unlink()
    (log / "1").write_text("second")
    keep_offsets(unit, "sessions")
    copies = {file.name: file.read_text() for file in (unit.offsets / "sessions").iterdir()}
    assert copies == {"0": "first", "1": "second"}


def test_a_log_or_metadata_that_spark_could_not_read_is_found_with_its_expected_beginning(tmp_path: Path) -> None:
    assert unreadable_file(tmp_path) is None, "nothing was written yet"
    (tmp_path / "commits").mkdir()
    (tmp_path / "commits" / "0").write_text("v1\n{}")
    (tmp_path / "metadata").write_text('{"id":"1"}')
    assert unreadable_file(tmp_path) is None
    (tmp_path / "commits" / "1").write_text("")
    assert unreadable_file(tmp_path) == (tmp_path / "commits" / "1", "v1")
    (tmp_path / "commits" / "1").unlink()
    (tmp_path / "metadata").write_text("{")
    assert unreadable_file(tmp_path) == (tmp_path / "metadata", '{"id"')
