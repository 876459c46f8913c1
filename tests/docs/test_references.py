"""What the repository refers to exists: pages, sections, tests, decisions, modules, files."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, FOLDERS, PACKAGES, PAGES, RECORDS, ROOT, anchors, code, name_of, texts

page = pytest.mark.parametrize("page", PAGES, ids=name_of)
TEXTS = [(name_of(path), path.read_text(errors="replace")) for path in texts()]
_OUTSIDE_PAGES = ("design", "style", "detection", "realism", "reliability", "interface")
OUTSIDE = re.compile(f"({'|'.join(_OUTSIDE_PAGES).upper()})( §|\\.md)")


def test_nothing_refers_to_a_page_outside_the_repository() -> None:
    assert [f"{name}: {hit.group(0)}" for name, text in TEXTS if (hit := OUTSIDE.search(text))] == []


def test_every_page_and_section_that_is_named_exists() -> None:
    named = {
        (name, page, section)
        for name, text in TEXTS
        for page, section in re.findall(r"\b(docs/[\w/.-]+\.(?:md|yaml))(?:#([\w-]+))?", text)
    }
    missing = [
        hit
        for hit in sorted(named)
        if not (ROOT / hit[1]).is_file() or (hit[2] and hit[2] not in anchors(ROOT / hit[1]))
    ]
    assert missing == []


def test_every_test_that_is_named_exists() -> None:
    named = {
        (name, file, test)
        for name, text in TEXTS
        for file, test in re.findall(r"\b(tests/[\w/]+\.py)(?:::(\w+))?", text)
    }
    missing = [
        hit
        for hit in sorted(named)
        if not (ROOT / hit[1]).is_file() or f"def {hit[2]}" not in (ROOT / hit[1]).read_text()
    ]
    assert missing == []


def test_every_promise_names_a_test_that_the_suite_or_a_make_target_runs() -> None:
    page, makefile = ((ROOT / name).read_text() for name in ("docs/reference/reliability.md", "Makefile"))
    promises = re.findall(r"^\| (?:\d+|–) \|.*$", page, re.MULTILINE)
    assert promises
    for promise in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promise)
        assert named, promise
        for file, test in named:
            assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{test}"
            assert Path(file).name.startswith("test_") or file in makefile, f"nothing runs {file}"


def test_every_decision_that_is_named_exists() -> None:
    known = {path.name[:4] for path in RECORDS}
    named = {(name, number) for name, text in TEXTS for number in re.findall(r"\bdecision (\d{4})\b", text)}
    assert [hit for hit in sorted(named) if hit[1] not in known] == []


@cache
def _has(dotted: str) -> bool:
    """Say whether a dotted name is a module of ours, or a name in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:length])
        file = base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"
        if file.is_file() or base.is_dir():
            text = file.read_text() if file.is_file() else ""
            return all(re.search(rf"\b{part}\b", text) for part in parts[length:])
    return False


def test_every_module_that_is_named_in_backticks_exists() -> None:
    ours = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?:\(\))?`")
    named = {(name, dotted) for name, text in TEXTS for dotted in ours.findall(text)}
    ends = (".md", ".py", ".ipynb", ".toml", ".json", ".log", ".zip", ".pid")
    assert [hit for hit in sorted(named) if not hit[1].endswith(ends) and not _has(hit[1])] == []


def test_every_file_of_ours_that_is_named_in_backticks_exists() -> None:
    ours = re.compile(rf"`((?:{'|'.join(FOLDERS)})/(?![\w./-]*\bNAME\b)[\w./-]*)`")
    named = {(name, path) for name, text in TEXTS for path in ours.findall(text)}
    assert [hit for hit in sorted(named) if not (ROOT / hit[1]).exists() and not (ROOT / f"{hit[1]}.py").exists()] == []


@page
def test_every_bare_python_file_that_a_page_names_exists(page: Path) -> None:
    names = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    named = {line for line in code(page.read_text()) if re.fullmatch(r"\w+\.py", line)}
    assert named <= names


@page
def test_every_relative_link_leads_to_a_file_and_a_section(page: Path) -> None:
    links = re.findall(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([\w-]+))?\)", page.read_text())
    broken = []
    for path, section in links:
        target = page.parent / path if path else page
        if not target.exists() or (section and section not in anchors(target)):
            broken.append((path, section))
    assert broken == []


def test_every_page_is_on_the_index_or_on_a_page_that_is() -> None:
    start = ROOT / "docs" / "index.md"
    seen, queue = {start}, [start]
    while queue:
        here = queue.pop()
        for link in re.findall(r"\]\((?![a-z]+:)([^)#\s]+)", here.read_text()):
            target = (here.parent / link).resolve()
            if target.suffix == ".md" and target.is_file() and target not in seen:
                seen.add(target)
                queue.append(target)
    assert [name_of(path) for path in DOCS if path not in seen] == []
