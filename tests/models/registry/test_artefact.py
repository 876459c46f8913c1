"""Packed trees are read as they were trusted, or not at all."""

import gzip
from pathlib import Path

import pytest

from models.errors import ModelError
from models.registry.artefact import read_trusted_gzip, sha256


def test_packed_trees_that_are_cut_changed_or_missing_are_refused_in_one_line(tmp_path: Path) -> None:
    content, file = bytes(range(64)) * 2, tmp_path / "trees.ubj.gz"
    packed = gzip.compress(content, mtime=0)

    def read(damaged: bytes) -> bytes | str:
        file.write_bytes(damaged)
        try:
            return read_trusted_gzip(file, sha256(content))
        except ModelError as error:
            return str(error)

    cut = [read(packed[:n]) for n in range(len(packed))]
    changed = [read(bytes([*packed[:i], packed[i] ^ 1, *packed[i + 1 :]])) for i in range(len(packed))]
    # a byte of the header that says another time or system leaves the trees as they are
    assert changed.count(content) < 10
    messages = [*cut, *(answer for answer in changed if answer != content), read(gzip.compress(content + b"x"))]
    file.unlink()
    with pytest.raises(ModelError, match=r"trees\.ubj\.gz: No such file or directory") as missing:
        read_trusted_gzip(file, sha256(content))
    for message in [*messages, str(missing.value)]:
        assert isinstance(message, str)
        assert "trees.ubj.gz" in message
        assert "restore it from git" in message
        assert "\n" not in message
