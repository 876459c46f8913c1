"""List large files and full folders: `python -m ops.tools.layout`. A test holds the limits.

A file that grows has more than one reason to change; a folder that fills up has more than one subject.
"""

from collections.abc import Iterator
from pathlib import Path

MOST_LINES = 300
MANY_LINES = 250
"""From here a file is listed."""
MOST_FILES = 15
CODE = frozenset({".py", ".js", ".html", ".css"})
FOLDERS = (
    "contracts", "runtime", "ops", "producer", "spark_app", "models", "consumer_viz", "tests", "docs", "notebooks",
    "observability",
)  # fmt: skip
ONE_FILE_PER_KIND = (
    "producer/simulator/bots",
    "producer/simulator/cohorts",
    "producer/simulator/scenarios",
    "docs/decisions",
    "tests",
)
"""Folders with any number of files: one for each bot family, cohort, scenario, decision or subject of a test."""


def _files(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.is_file() and not {"__pycache__", "vendor", ".ipynb_checkpoints"} & set(path.parts):
                yield path.relative_to(root)
    yield from (path.relative_to(root) for path in root.iterdir() if path.is_file() and path.name != ".git")


def lines_by_file(root: Path) -> dict[str, int]:
    """Return the number of lines of each file of code over MANY_LINES, largest first."""
    lines = {
        path.as_posix(): len((root / path).read_text().splitlines()) for path in _files(root) if path.suffix in CODE
    }
    return {name: n for name, n in sorted(lines.items(), key=lambda item: -item[1]) if n > MANY_LINES}


def files_by_folder(root: Path) -> dict[str, int]:
    """Return the number of files directly in each folder, fullest first; folders with one file per kind left out."""
    counts: dict[str, int] = {}
    for path in _files(root):
        folder = path.parent.as_posix()
        if not folder.startswith(ONE_FILE_PER_KIND):
            counts[folder] = counts.get(folder, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def main() -> None:
    """Print both lists."""
    root = Path(__file__).resolve().parents[2]
    print(f"files over {MANY_LINES} lines (at most {MOST_LINES}):")
    for name, lines in lines_by_file(root).items():
        print(f"  {lines:4} {name}")
    print(f"fullest folders (at most {MOST_FILES} files):")
    for name, files in list(files_by_folder(root).items())[:10]:
        print(f"  {files:4} {name}")


if __name__ == "__main__":
    main()
