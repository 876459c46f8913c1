"""A lock is held as long as its process has the file; who may not look counts it as held."""

from pathlib import Path
from typing import NoReturn

import pytest

from runtime.file_lock import hold_lock, is_held


def test_a_lock_is_held_until_its_context_ends(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    assert not is_held(file), "there is no file"
    with hold_lock(file, AssertionError()):
        assert is_held(file)
    assert not is_held(file)


def test_the_lock_of_another_user_counts_as_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: Path, mode: str) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(file))

    (tmp_path / "lock").touch()
    monkeypatch.setattr(Path, "open", refuse)  # root may open any
    assert is_held(tmp_path / "lock")
