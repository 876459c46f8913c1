"""A bucket that is a folder of this machine: for what readers of copies do, where no S3 is needed."""

import json
from pathlib import Path

import pytest
from pyarrow import fs

from runtime.storage import MARKER
from runtime.storage import s3 as module
from runtime.world import Unit


def there_and_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Unit, Unit]:
    """Return a version in the bucket, as the machine of its job has it, and as another one has it without any copy."""
    files = fs.SubTreeFileSystem(str(folder / "buckets"), fs.LocalFileSystem())
    monkeypatch.setattr(module, "filesystem", lambda endpoint: files)
    module._require_bucket.cache_clear()
    here = Unit(folder / "another machine" / "one" / "v1")
    here.root.mkdir(parents=True)
    (here.root / MARKER).write_text(json.dumps({"address": "s3://playproof/one/v1"}))
    there = Unit(folder / "buckets" / "playproof" / "one" / "v1")
    there.root.mkdir(parents=True)
    return there, here
