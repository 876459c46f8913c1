"""The pages of the repository and what stands in them: code, links, headings."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS]
RECORDS = [path for path in DOCS if path.parent.name == "decisions" and path.name != "README.md"]
PACKAGES = ("contracts", "runtime", "ops", "producer", "spark_app", "models", "consumer_viz")
FOLDERS = (*PACKAGES, "notebooks", "tests", "docs", "observability")
TEXTS = {".py", ".md", ".toml", ".html", ".css", ".js", ".yml", ".yaml", ".conf", ".xml", ".ipynb", ".json", ""}
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    """Return a path as a test's id: relative to the repository."""
    return path.relative_to(ROOT).as_posix()


def code(text: str) -> list[str]:
    """Return the lines of a page's fenced blocks (without diagrams) and its inline code."""
    fenced = [line for kind, block in _FENCE.findall(text) if kind != "mermaid" for line in block.splitlines()]
    return fenced + re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))


def anchors(page: Path) -> set[str]:
    """Return the anchors that a Markdown page offers, as GitHub makes them of headings."""
    headings = re.findall(r"^#{1,6} +(.+?)\s*$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading)).lower().replace(" ", "-") for heading in headings}


def texts() -> list[Path]:
    """Return every text file of the repository that people write: sources, pages, settings, notebooks."""
    top = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in TEXTS and path.suffix != ".lock"]
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in TEXTS]
    return sorted(
        path
        for path in (*top, *inside)
        if path.is_file() and "__pycache__" not in path.parts and "vendor" not in path.parts
    )
