"""Champion and challenger change roles in one rename, and only artefacts that verify get a role."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.errors import ModelError
from models.registry.artefact import ARTIFACTS, MANIFEST, MODEL_ZIP
from models.registry.role_changes import WritableRegistry
from models.registry.roles import FILE, FOLDER, SHIPPED_VERSION, Entry
from tests.conftest import Playproof
from tests.models.challenger import write_challenger
from tests.models.conftest import ArtefactDraft

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path: Path) -> WritableRegistry:
    return WritableRegistry(tmp_path / "data" / FOLDER)


def register(registry: WritableRegistry, folder: Path, review: float = 0.4) -> Entry:
    """Register the shipped trees with another threshold."""
    return registry.register(*challenger(folder, review), AT)


def challenger(folder: Path, review: float = 0.4) -> tuple[Path, str]:
    return write_challenger(folder / f"draft{review}", thresholds={"review": review, "filter": 0.9})


def spoil(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_without_a_registry_the_shipped_model_is_the_champion_and_nothing_is_in_the_shadow(
    registry: WritableRegistry, into: Path
) -> None:
    assert registry.champion(into).version.startswith("session_xgb@")
    assert registry.challenger(into) is None
    assert not registry.root.exists()


def test_a_registered_model_stays_the_challenger_after_its_source_folder_is_emptied(
    registry: WritableRegistry, tmp_path: Path, into: Path
) -> None:
    folder, trusted = challenger(tmp_path)
    entry = registry.register(folder, trusted, AT)
    for file in folder.iterdir():
        file.unlink()
    shadow = registry.challenger(into)
    assert shadow is not None
    assert shadow.version == entry.version == f"candidate@{trusted[:8]}"
    assert registry.champion(into).version.startswith("session_xgb@")


def test_a_roll_back_undoes_the_last_promotion(registry: WritableRegistry, tmp_path: Path, into: Path) -> None:
    first = register(registry, tmp_path)
    assert registry.promote(AT) == first
    assert (registry.champion(into).version, registry.challenger(into)) == (first.version, None)
    second = register(registry, tmp_path, 0.5)
    registry.promote(AT)
    assert registry.rollback(AT) == first
    assert (registry.roles().champion, registry.roles().challenger) == (first, second)
    assert registry.rollback(AT) is None
    assert registry.champion(into).version.startswith("session_xgb@")
    assert registry.roles().challenger == second, "the one registered since stays"
    with pytest.raises(ModelError, match="no promotion to roll back"):
        registry.rollback(AT)
    assert [line["step"] for line in registry.roles().log] == [
        "register", "promote", "register", "promote", "rollback", "rollback",
    ]  # fmt: skip
    assert registry.roles().log[-1] == {
        "at": "2026-03-02T09:00:00+00:00",
        "step": "rollback",
        "version": SHIPPED_VERSION,
    }


@pytest.mark.parametrize("name", [MODEL_ZIP, MANIFEST])
def test_a_tampered_model_is_neither_registered_nor_promoted_nor_rolled_back_to(
    registry: WritableRegistry, tmp_path: Path, name: str
) -> None:
    folder, trusted = challenger(tmp_path)
    with pytest.raises(ModelError, match="not the file that is trusted"):
        registry.register(folder, "0" * 64, AT)
    assert registry.roles().challenger is None
    entry = registry.register(folder, trusted, AT)
    spoil(registry.folder(entry) / name)
    before = (registry.root / FILE).read_bytes()
    with pytest.raises(ModelError, match="not the file that is trusted"):
        registry.promote(AT)
    assert (registry.root / FILE).read_bytes() == before
    registry.register(folder, trusted, AT)  # repairs it
    registry.promote(AT)
    register(registry, tmp_path, 0.5)
    registry.promote(AT)
    spoil(registry.folder(entry) / name)
    before = (registry.root / FILE).read_bytes()
    with pytest.raises(ModelError, match="not the file that is trusted"):
        registry.rollback(AT)
    assert (registry.root / FILE).read_bytes() == before


def test_a_model_whose_trees_cannot_be_read_is_not_registered(registry: WritableRegistry, tmp_path: Path) -> None:
    spoilt = ArtefactDraft(tmp_path / "toy")
    with pytest.raises(ModelError, match=r"^toy@[0-9a-f]{8} cannot score: ") as caught:
        registry.register(spoilt.folder, spoilt.write(), AT)
    assert "\n" not in str(caught.value)
    assert registry.roles().challenger is None


def test_a_change_that_fails_before_its_rename_leaves_the_roles_as_they_were(
    registry: WritableRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(registry, tmp_path)
    before = registry.roles()

    def crash(self: Path, target: Path) -> Path:
        raise OSError("out of power")

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="out of power"):
        registry.promote(AT)
    assert registry.roles() == before


def test_the_champion_is_not_its_own_challenger(registry: WritableRegistry, tmp_path: Path) -> None:
    shipped = ARTIFACTS / "session_xgb"
    from models.registry.champions import CHAMPIONS

    with pytest.raises(ModelError, match="is the champion already"):
        registry.register(shipped, CHAMPIONS["session_xgb"], AT)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"champion": {"version": "../../x@00000000", "sha256": ""}}'])
def test_a_damaged_registry_is_reported_in_one_line(registry: WritableRegistry, text: str) -> None:
    registry.root.mkdir(parents=True)
    (registry.root / FILE).write_text(text)
    with pytest.raises(ModelError, match=r"^models/registry\.json is not a registry") as caught:
        registry.roles()
    assert "\n" not in str(caught.value)


def test_the_commands_change_roles_and_print_the_change(
    tmp_path: Path, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path / "data"))
    folder, trusted = challenger(tmp_path)
    version = f"candidate@{trusted[:8]}"
    assert playproof("model", "promote")[2].startswith("error: there is no challenger to promote")
    assert playproof("model", "withdraw")[2] == "error: there is no challenger to withdraw\n"
    assert f"{version} scores in the shadow" in playproof("model", "register", str(folder), "--sha256", trusted)[1]
    assert "no longer scores in the shadow" in playproof("model", "withdraw")[1]
    playproof("model", "register", str(folder), "--sha256", trusted)
    assert f"{version} scores and flags" in playproof("model", "promote")[1]
    code, out, _ = playproof("model", "roles")
    assert code == 0
    assert out.splitlines()[:2] == [f"champion          {version}", "challenger        none"]
    assert f"{SHIPPED_VERSION} scores and flags" in playproof("model", "roll-back")[1]
    assert json.loads((tmp_path / "data" / FOLDER / FILE).read_text())["champion"] is None
