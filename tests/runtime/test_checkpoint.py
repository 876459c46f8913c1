"""Spark's checkpoint says which micro-batch read which offsets, also after Spark has forgotten the old ones."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from runtime.checkpoint import (
    keep_offsets,
    last_committed,
    offset_files,
    offset_packs,
    planned_ends,
    read_offset_log,
    read_offsets,
    unreadable_file,
    watermark_after,
)
from runtime.checkpoint.offset_packs import pack_offsets
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


def test_a_copy_that_an_earlier_checkpoint_left_does_not_count(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    offsets(unit.offsets / "q", 0, 0, '{"plays":{"0":9}}')
    offsets(unit.offsets / "q", 1, 7, '{"plays":{"0":12}}')
    with zipfile.ZipFile(unit.offsets / "q" / "0-0.zip", "w") as pack:
        pack.writestr("0", (unit.offsets / "q" / "0").read_text())
    offsets(unit.checkpoints / "q" / "offsets", 0, 0, '{"plays":{"0":2}}')
    offsets(unit.checkpoints / "q" / "offsets", 1, 5, '{"plays":{"0":4}}')
    progress = read_offset_log(unit, "q", 1)
    assert (progress.watermark_ms, progress.end("plays", 0)) == (5, 4)
    assert progress.batch_of("plays", 0, np.arange(5)).tolist() == [0, 0, 1, 1, 2]


def test_a_copy_stands_in_for_a_file_that_spark_removes_meanwhile_or_that_is_cut(tmp_path: Path) -> None:
    unit, own = Unit(tmp_path), Unit(tmp_path).checkpoints / "q" / "offsets"
    for folder in (own, unit.offsets / "q"):
        offsets(folder, 0, 7, '{"plays":{"0":2}}')
    files = offset_files(unit, "q")
    (own / "0").write_text("v1")
    assert offset_files(unit, "q") == files
    (own / "0").unlink()
    assert read_offsets(files[0]).watermark_ms == 7


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


def test_old_copies_are_packed_into_one_file_and_are_read_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offset_packs, "PACKED_AT_ONCE", 5)
    monkeypatch.setattr(offset_packs, "UNPACKED", 2)
    unit = Unit(tmp_path)
    for number in range(7):
        offsets(unit.offsets / "q", number, number * 1000, f'{{"plays":{{"0":{number}}}}}')
        assert pack_offsets(unit.offsets / "q") == (5 if number == 6 else 0)
    assert sorted(file.name for file in (unit.offsets / "q").iterdir()) == ["0-4.zip", "5", "6"]
    assert read_offset_log(unit, "q", 6).watermarks.tolist() == [n * 1000 for n in range(7)]


def test_packs_are_joined_so_that_many_micro_batches_leave_few_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offset_packs, "PACKED_AT_ONCE", 2)
    monkeypatch.setattr(offset_packs, "PACKS_AT_ONCE", 3)
    monkeypatch.setattr(offset_packs, "UNPACKED", 2)
    unit, most = Unit(tmp_path), 0
    for number in range(150):
        offsets(unit.offsets / "q", number, number * 1000, f'{{"plays":{{"0":{number}}}}}')
        pack_offsets(unit.offsets / "q")
        most = max(most, len(list((unit.offsets / "q").iterdir())))
    assert most < 3 + 2 * 5, "at most two packs of each of five sizes"
    assert read_offset_log(unit, "q", 149).watermarks.tolist() == [n * 1000 for n in range(150)]


def test_the_watermark_after_a_micro_batch_is_in_the_log_of_commits(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    checkpoint = unit.checkpoints / "q"
    assert watermark_after(unit, "q", -1) == 0
    offsets(checkpoint / "offsets", 0, 5_000)
    assert watermark_after(unit, "q", 0) == 5_000, "not committed yet"
    (checkpoint / "commits").mkdir()
    (checkpoint / "commits" / "0").write_text('v1\n{"nextBatchWatermarkMs":7000}')
    assert watermark_after(unit, "q", 0) == 7_000


OFFSETS = 'v1\n{"batchWatermarkMs":0}\n{"plays":{"0":12}}\n-'
"""A file of the log `offsets` with a topic, and a source that has none yet."""


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint that Spark can read: two micro-batches, a third that was planned."""
    for name, text in (
        *((f"offsets/{n}", OFFSETS) for n in range(3)),
        *((f"commits/{n}", "v1\n{}") for n in range(2)),
        ("metadata", '{"id":"1"}'),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_checkpoint_that_spark_can_read_passes_and_so_does_none(checkpoint: Path) -> None:
    assert unreadable_file(checkpoint) is None
    assert unreadable_file(checkpoint / "none") is None


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("commits/1", b"", "does not begin with v1"),
        ("offsets/2", b"v1", "ends after 0 of at least 2 lines"),
        ("offsets/1", b'v1\n{"batchWatermarkMs":0}', "ends after 1 of at least 2 lines"),
        ("offsets/2", OFFSETS.encode()[:-12], "unexpected end of data"),
        ("offsets/2", OFFSETS.encode().replace(b"plays", b"pl\xffys"), "decode byte 0xff"),
        ("metadata", b"{", "unexpected end of data"),
        ("metadata", b"{}", "no id"),
    ],
    ids=["empty", "no metadata", "no source", "cut in the middle", "a byte changed", "half a file", "no id"],
)
def test_a_file_that_spark_could_not_read_at_its_start_is_found(
    checkpoint: Path, name: str, content: bytes, why: str
) -> None:
    (checkpoint / name).write_bytes(content)
    found = unreadable_file(checkpoint)
    assert found is not None
    assert found[0] == checkpoint / name
    assert why in found[1]


def test_what_spark_never_reads_again_is_not_looked_at(checkpoint: Path) -> None:
    (checkpoint / "offsets" / "0").write_text("damaged")
    (checkpoint / "commits" / "0").write_text("damaged")
    assert unreadable_file(checkpoint) is None
