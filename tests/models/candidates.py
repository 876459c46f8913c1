"""A challenger for tests: the shipped trees under another name, so that nothing has to be trained."""

import json
import shutil
from pathlib import Path
from typing import Any

from models.registry.verify import CHAMPION, MANIFEST, MODEL_ZIP, sha256

EAGER = {"review": 1e-9, "filter": 1.0}
"""Thresholds by which nearly every session would be flagged."""


def candidate(folder: Path, **changes: Any) -> tuple[Path, str]:
    """Write an artefact whose manifest is the shipped one but for `changes`; return it with the hash to trust."""
    manifest = json.loads((CHAMPION / MANIFEST).read_text()) | {"name": "candidate"} | changes
    folder.mkdir()
    shutil.copyfile(CHAMPION / MODEL_ZIP, folder / MODEL_ZIP)
    content = json.dumps(manifest).encode()
    (folder / MANIFEST).write_bytes(content)
    return folder, sha256(content)
