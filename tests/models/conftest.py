"""Small artefacts and worlds to test with: made in memory, nothing trained, no Spark."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contracts.features import FEATURE_NAMES
from models.registry import ASSEMBLER, MANIFEST, MODEL_ZIP, PIPELINE, STAGE_CLASSES, sha256


def metadata(class_name: str, uid: str, **params: Any) -> dict[str, Any]:
    """What Spark writes of a stage."""
    return {
        "class": class_name, "timestamp": 0, "sparkVersion": "4.0.4", "uid": uid, "paramMap": params,
        "defaultParamMap": {},
    }  # fmt: skip


@dataclass
class Draft:
    """An artefact that a test spoils before it is written. Every change keeps hashes right unless told otherwise."""

    folder: Path
    pipeline: dict[str, Any] = field(
        default_factory=lambda: metadata(
            PIPELINE, "PipelineModel", stageUids=["VectorAssembler_0", "SparkXGBClassifier_1"], language="Python"
        )
    )
    assembler: dict[str, Any] = field(
        default_factory=lambda: metadata(ASSEMBLER, "VectorAssembler_0", inputCols=list(FEATURE_NAMES))
    )
    classifier: dict[str, Any] = field(default_factory=lambda: metadata(STAGE_CLASSES[1], "SparkXGBClassifier_1"))
    manifest: dict[str, Any] = field(
        default_factory=lambda: {
            "name": "toy", "features": list(FEATURE_NAMES), "thresholds": {"review": 0.4, "filter": 0.9},
        }
    )  # fmt: skip
    extra: list[tuple[str | zipfile.ZipInfo, bytes]] = field(default_factory=list)
    top: str = "pipeline_model/"

    def members(self) -> dict[str, bytes]:
        return {
            "metadata/part-00000": json.dumps(self.pipeline).encode(),
            "stages/0_VectorAssembler_0/metadata/part-00000": json.dumps(self.assembler).encode(),
            "stages/1_SparkXGBClassifier_1/metadata/part-00000": json.dumps(self.classifier).encode(),
            "stages/1_SparkXGBClassifier_1/model/part-00000": b"{}",
        }

    def write(self) -> str:
        """Write the artefact; return the hash to trust."""
        self.folder.mkdir(exist_ok=True)
        archive = self.folder / MODEL_ZIP
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in self.members().items():
                packed.writestr(self.top + name, content)
            for entry, content in self.extra:
                packed.writestr(entry, content)
        files = {name: sha256(content) for name, content in self.members().items()}
        manifest = {"model_zip_sha256": sha256(archive.read_bytes()), "files": files, **self.manifest}
        content = json.dumps(manifest).encode()
        (self.folder / MANIFEST).write_bytes(content)
        return sha256(content)


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    return Draft(tmp_path / "toy")


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def run_models(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run `python -m models …` in this process: (exit code, stdout, stderr)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        from models.__main__ import main

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["models", *arguments])
            with pytest.raises(SystemExit) as left:
                main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run
