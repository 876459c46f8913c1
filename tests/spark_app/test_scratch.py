"""Temporary folders: private, and removed after a process that was killed."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from spark_app.scratch import private_folder, remove_abandoned

USES = """
import sys, time
from spark_app.scratch import use_scratch_folder
print(use_scratch_folder(), flush=True)
import tempfile
tempfile.mkdtemp(prefix="playproof-model-")
print("ready", flush=True)
sys.stdin.read()
"""


def user_of(tmp_path: Path) -> "tuple[subprocess.Popen[str], Path]":
    """Start a process that uses a scratch folder and has a temporary folder of its own in it."""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", USES], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert process.stdout.readline() == "ready\n"
    return process, folder


def test_what_a_killed_process_left_is_removed_by_the_next_and_nothing_of_one_at_work(tmp_path: Path) -> None:
    killed, left = user_of(tmp_path)
    assert [path.name[:16] for path in left.iterdir()] == ["playproof-model-"]
    assert left.parent.stat().st_mode & 0o077 == 0
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert left.exists()

    at_work, used = user_of(tmp_path)
    assert not left.exists()
    assert remove_abandoned(used.parent) == []
    at_work.communicate("")
    assert list(used.parent.iterdir()) == [], "one that ends by itself leaves nothing"


def test_the_private_folder_is_the_same_inside_a_scratch_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    private = private_folder()
    monkeypatch.setattr(tempfile, "tempdir", str(private / "tmp-1"))
    assert private_folder() == private
