"""Files and folders stay small enough to find one's way."""

from pathlib import Path

from ops.tools.layout import MOST_FILES, MOST_LINES, files_by_folder, lines_by_file

ROOT = Path(__file__).resolve().parents[3]
MOST_DATA_BYTES = 2_000_000
"""What a clone carries in data/."""


def test_no_file_of_code_is_too_long() -> None:
    assert {name: lines for name, lines in lines_by_file(ROOT).items() if lines > MOST_LINES} == {}


def test_no_folder_is_too_full() -> None:
    assert {name: files for name, files in files_by_folder(ROOT).items() if files > MOST_FILES} == {}


def test_a_long_file_and_a_full_folder_are_found(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "long.py").write_text("x = 1\n" * (MOST_LINES + 1))
    for number in range(MOST_FILES):
        (tmp_path / "models" / f"page{number}.md").touch()
    assert lines_by_file(tmp_path) == {"models/long.py": MOST_LINES + 1}
    assert files_by_folder(tmp_path) == {"models": MOST_FILES + 1}


def test_the_data_that_a_clone_carries_is_small() -> None:
    carried = [ROOT / "data" / "README.md", *(ROOT / "data" / "sample").rglob("*")]
    assert sum(path.stat().st_size for path in carried if path.is_file()) < MOST_DATA_BYTES
