"""A damaged file of a checkpoint, or of the copies of its offsets, is named in one line; nothing is removed."""

from pathlib import Path

import pytest

from runtime.checkpoint import last_committed, offset_packs, read_offset_log
from runtime.checkpoint.offset_packs import pack_offsets
from runtime.errors import CheckpointError
from runtime.world import Unit

OFFSETS = 'v1\n{"batchWatermarkMs":7}\n{"plays":{"0":2}}'


def test_a_pack_that_is_cut_or_has_another_byte_is_an_error_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offset_packs, "PACKED_AT_ONCE", 2)
    monkeypatch.setattr(offset_packs, "UNPACKED", 1)
    unit = Unit(tmp_path)
    (unit.offsets / "q").mkdir(parents=True)
    for number in range(3):
        (unit.offsets / "q" / str(number)).write_text(OFFSETS)
    pack_offsets(unit.offsets / "q")
    pack, told = unit.offsets / "q" / "0-1.zip", list[str]()
    whole = pack.read_bytes()
    for place in range(len(whole)):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]):
            pack.write_bytes(damaged)
            try:
                assert len(read_offset_log(unit, "q", 2)) == 3, "a byte that says nothing, as the time of a file"
            except CheckpointError as error:
                told.append(str(error))
    assert len(told) > len(whole)
    assert all(text.endswith(("restore it from a copy", "needs all since the version began")) for text in told)


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b"\xff"])
def test_the_id_of_a_checkpoint_that_cannot_be_read_is_an_error_in_one_line(tmp_path: Path, content: bytes) -> None:
    unit = Unit(tmp_path)
    file = unit.checkpoints / "q" / "metadata"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"checkpoints/q/metadata is unreadable .*: restore it from a copy$"):
        last_committed(unit, "q")
