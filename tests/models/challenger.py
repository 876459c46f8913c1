"""A challenger for tests: the shipped trees under another name, so that nothing has to be trained."""

import json
import shutil
from pathlib import Path
from typing import Any

from models.drift.reference import REFERENCE_HASH
from models.registry.artefact import MANIFEST, MODEL_ZIP, SHIPPED_SCORER, sha256

FLAGS_NEARLY_ALL = {"review": 1e-9, "filter": 1.0}
"""Thresholds by which nearly every session would be flagged."""


def write_challenger(folder: Path, **changes: Any) -> tuple[Path, str]:
    """Write the shipped artefact with `changes` in its manifest; return its folder and the hash to trust.

    It has no reference of a training, unless they name one.
    """
    manifest = json.loads((SHIPPED_SCORER / MANIFEST).read_text())
    del manifest[REFERENCE_HASH]
    manifest |= {"name": "candidate"} | changes
    folder.mkdir()
    shutil.copyfile(SHIPPED_SCORER / MODEL_ZIP, folder / MODEL_ZIP)
    content = json.dumps(manifest).encode()
    (folder / MANIFEST).write_bytes(content)
    return folder, sha256(content)
