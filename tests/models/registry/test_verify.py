"""A model is code: anything but the trusted artefact is refused before a loader sees it, in one line that says why."""

import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from contracts.features import FEATURE_NAMES
from models.errors import ModelError
from models.registry import archive
from models.registry.artefact import ARTIFACTS, CARD, MANIFEST, MODEL_ZIP, sha256
from models.registry.champions import CHAMPIONS
from models.registry.verify import DEFAULT_FILTER, DEFAULT_REVIEW, verify_artefact
from tests.conftest import Playproof
from tests.models.conftest import ArtefactDraft


def refusal(draft: ArtefactDraft, into: Path, trusted: str) -> str:
    """Verify, expect a refusal that writes nothing, and return its message."""
    with pytest.raises(ModelError) as caught:
        verify_artefact(draft.folder, into, trusted)
    message = str(caught.value)
    assert "\n" not in message
    assert list(into.iterdir()) == []
    return message


def test_a_good_artefact_is_unpacked_with_its_thresholds_and_version(draft: ArtefactDraft, into: Path) -> None:
    trusted = draft.write()
    artefact = verify_artefact(draft.folder, into, trusted)
    assert (artefact.path / "metadata" / "part-00000").exists()
    assert (artefact.path / "stages" / "1_SparkXGBClassifier_1" / "model" / "part-00000").read_bytes() == b"{}"
    assert (artefact.review_threshold, artefact.filter_threshold) == (0.4, 0.9)
    assert artefact.features == FEATURE_NAMES
    assert artefact.version == f"toy@{trusted[:8]}"


def test_a_second_verification_into_the_same_folder_replaces_the_first(draft: ArtefactDraft, into: Path) -> None:
    trusted = draft.write()
    stray = verify_artefact(draft.folder, into, trusted).path / "stray"
    stray.write_text("left over")
    verify_artefact(draft.folder, into, trusted)
    assert not stray.exists()


def test_a_zip_without_manifest_loads_by_its_own_hash_with_default_thresholds(draft: ArtefactDraft, into: Path) -> None:
    draft.top = ""
    draft.write()
    path = draft.folder / MODEL_ZIP
    artefact = verify_artefact(path, into, sha256(path.read_bytes()))
    assert (artefact.review_threshold, artefact.filter_threshold) == (DEFAULT_REVIEW, DEFAULT_FILTER)


@pytest.mark.parametrize("name", [MODEL_ZIP, MANIFEST])
def test_one_changed_byte_is_refused(draft: ArtefactDraft, into: Path, name: str) -> None:
    trusted = draft.write()
    path = draft.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert f"toy/{name} is not the file that is trusted" in refusal(draft, into, trusted)


@pytest.mark.parametrize("name", [MODEL_ZIP, MANIFEST])
def test_a_missing_file_is_named(draft: ArtefactDraft, into: Path, name: str) -> None:
    trusted = draft.write()
    (draft.folder / name).unlink()
    assert f"toy/{name}" in refusal(draft, into, trusted)


def test_a_file_that_differs_from_its_hash_in_the_manifest_is_refused(draft: ArtefactDraft, into: Path) -> None:
    draft.manifest["files"] = dict.fromkeys(draft.members(), "0" * 64)
    assert "differs from its hash in the manifest" in refusal(draft, into, draft.write())


def test_a_file_that_the_manifest_does_not_list_is_refused(draft: ArtefactDraft, into: Path) -> None:
    draft.extra = [(f"{draft.top}stages/1_SparkXGBClassifier_1/model/part-00001", b"{}")]
    assert "list different files: stages/1_SparkXGBClassifier_1/model/part-00001" in refusal(draft, into, draft.write())


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "pipeline_model/../../evil", "pipeline_model/stages/../x"])
def test_a_path_out_of_the_folder_is_refused(draft: ArtefactDraft, into: Path, name: str) -> None:
    draft.extra = [(name, b"x")]
    assert "leads out of the model's folder" in refusal(draft, into, draft.write())


def test_a_link_is_refused(draft: ArtefactDraft, into: Path) -> None:
    link = zipfile.ZipInfo("pipeline_model/metadata/part-00001")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    draft.extra = [(link, b"/etc/passwd")]
    assert "is a link" in refusal(draft, into, draft.write())


@pytest.mark.parametrize("name", ["pipeline_model/run.py", "pipeline_model/stages/a\\b", "other/metadata/part-00000"])
def test_a_file_that_no_saved_model_has_is_refused(draft: ArtefactDraft, into: Path, name: str) -> None:
    draft.extra = [(name, b"x")]
    assert "not a file of a saved PipelineModel" in refusal(draft, into, draft.write())


def test_a_zip_bomb_is_refused_while_unpacking(
    draft: ArtefactDraft, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1024**2)
    draft.extra = [("pipeline_model/stages/1_SparkXGBClassifier_1/model/part-00001", bytes(2 * 1024**2))]
    assert "unpacks to over 1 MB" in refusal(draft, into, draft.write())


def test_too_many_files_are_refused(draft: ArtefactDraft, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    assert "4 files, expected at most 3" in refusal(draft, into, draft.write())


def test_a_file_that_is_no_zip_is_refused(draft: ArtefactDraft, into: Path) -> None:
    draft.write()
    path = draft.folder / MODEL_ZIP
    path.write_bytes(b"not a zip")
    with pytest.raises(ModelError, match="not a readable zip"):
        verify_artefact(path, into, sha256(b"not a zip"))


@pytest.mark.parametrize("part", ["pipeline", "assembler", "classifier"])
def test_a_class_that_is_not_listed_is_refused(draft: ArtefactDraft, into: Path, part: str) -> None:
    getattr(draft, part)["class"] = "os.system"
    assert "class os.system is not allowed" in refusal(draft, into, draft.write())


@pytest.mark.parametrize("key", ["serialized_callbacks", "init_booster", "coll_cfg"])
def test_a_metadata_key_that_could_run_code_is_refused(draft: ArtefactDraft, into: Path, key: str) -> None:
    draft.classifier[key] = "gASV"
    assert f"unexpected key {key}" in refusal(draft, into, draft.write())


def test_metadata_that_is_nested_too_deeply_to_read_is_refused(draft: ArtefactDraft, into: Path) -> None:
    draft.top = ""
    draft.write()
    path, nested = draft.folder / MODEL_ZIP, b'{"paramMap":' + b"[" * 100_000
    with zipfile.ZipFile(path) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, nested if "/metadata/part-" in name else content)
    with pytest.raises(ModelError, match="part-00000 is not JSON") as caught:
        verify_artefact(path, into, sha256(path.read_bytes()))
    assert "\n" not in str(caught.value)


def test_a_stage_name_that_would_lead_to_an_unchecked_folder_is_refused(draft: ArtefactDraft, into: Path) -> None:
    draft.pipeline["paramMap"]["stageUids"] = ["VectorAssembler_0", "x/../../../elsewhere"]
    assert "not plain words" in refusal(draft, into, draft.write())


def test_stage_folders_other_than_those_the_pipeline_names_are_refused(draft: ArtefactDraft, into: Path) -> None:
    draft.pipeline["paramMap"]["stageUids"] = ["VectorAssembler_0"]
    assert "expected ['stages/0_VectorAssembler_0']" in refusal(draft, into, draft.write())


def test_a_model_of_some_of_the_contracts_features_loads_with_those(draft: ArtefactDraft, into: Path) -> None:
    """A model that was trained before a feature was added works on."""
    draft.manifest["features"] = draft.assembler["paramMap"]["inputCols"] = list(FEATURE_NAMES[3:])
    assert verify_artefact(draft.folder, into, draft.write()).features == FEATURE_NAMES[3:]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((*FEATURE_NAMES, "user_id"), "the model reads user_id, which a session does not have"),
        ((*FEATURE_NAMES, FEATURE_NAMES[0]), "are not those its model was trained on"),
        ((), "no stage names a column that it reads"),
    ],
)
def test_features_that_the_contracts_lack_are_refused(
    draft: ArtefactDraft, into: Path, names: list[str], expected: str
) -> None:
    draft.manifest["features"] = draft.assembler["paramMap"]["inputCols"] = list(names)
    assert expected in refusal(draft, into, draft.write())


@pytest.mark.parametrize("names", [FEATURE_NAMES[1:], FEATURE_NAMES[::-1]])
def test_a_manifest_that_names_other_features_than_its_model_is_refused(
    draft: ArtefactDraft, into: Path, names: list[str]
) -> None:
    draft.manifest["features"] = list(names)
    assert "are not those its model was trained on" in refusal(draft, into, draft.write())


@pytest.mark.parametrize("thresholds", [{}, {"review": 0.9, "filter": 0.4}, {"review": "x", "filter": 1}])
def test_thresholds_that_make_no_sense_are_refused(
    draft: ArtefactDraft, into: Path, thresholds: dict[str, Any]
) -> None:
    draft.manifest["thresholds"] = thresholds
    assert "thresholds must" in refusal(draft, into, draft.write())


def test_a_manifest_without_its_parts_is_refused(draft: ArtefactDraft, into: Path) -> None:
    trusted = draft.write()
    (draft.folder / MANIFEST).write_bytes(b"[]")
    trusted = sha256(b"[]")
    assert "name, model_zip_sha256, files, features, thresholds" in refusal(draft, into, trusted)


def test_a_model_outside_the_table_needs_a_hash(draft: ArtefactDraft, into: Path) -> None:
    draft.write()
    with pytest.raises(ModelError, match="toy is not a champion"):
        verify_artefact(draft.folder, into)


def test_every_champion_verifies_and_its_card_has_its_threshold(into: Path) -> None:
    for name in CHAMPIONS:
        artefact = verify_artefact(ARTIFACTS / name, into)
        assert artefact.manifest["name"] == name
        assert f"{artefact.review_threshold:.4f}" in (ARTIFACTS / name / CARD).read_text()


def test_the_command_prints_in_one_line_what_is_wrong(draft: ArtefactDraft, playproof: Playproof) -> None:
    draft.write()
    code, out, err = playproof("model", "verify", "--model", str(draft.folder), "--sha256", "0" * 64)
    assert code == 1
    assert out == ""
    assert err.startswith("error: toy/manifest.json is not the file that is trusted")
    assert err.count("\n") == 1


def test_the_command_names_the_version_of_a_good_model(draft: ArtefactDraft, playproof: Playproof) -> None:
    trusted = draft.write()
    code, out, _ = playproof("model", "verify", "--model", str(draft.folder), "--sha256", trusted)
    assert (code, out) == (0, f"toy@{trusted[:8]}: verified; review at 0.4000, filter at 0.9000\n")


def test_the_command_asks_for_a_hash(draft: ArtefactDraft, playproof: Playproof) -> None:
    draft.write()
    code, _, err = playproof("model", "verify", "--model", str(draft.folder))
    assert (code, err) == (
        1,
        "error: model toy is not a champion (models/registry/champions.py): give the hash you trust, --sha256; "
        " sha256sum toy/manifest.json  prints it\n",
    )
