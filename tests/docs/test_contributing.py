"""A stranger finds the place of a change: README → CONTRIBUTING.md → a path that exists, with a recipe."""

import re

from tests.docs.pages import ROOT, anchors

PAGE = ROOT / "CONTRIBUTING.md"
TEXT = PAGE.read_text()
QUESTIONS = 6


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading."""
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return lines[2:]


def test_the_readme_leads_to_the_page_in_one_step() -> None:
    assert "(CONTRIBUTING.md" in (ROOT / "README.md").read_text()


def test_every_change_has_a_place_that_exists_and_a_recipe() -> None:
    for change, start, recipe in rows("Where a change goes"):
        assert (ROOT / start.strip("`")).exists(), change
        [section] = re.findall(r"\(#([\w-]+)\)", recipe)
        assert section in anchors(PAGE), change


def test_every_question_of_a_stranger_is_answered_by_paths_that_exist() -> None:
    answers = rows("Stranger's test")
    assert len(answers) == QUESTIONS
    for question, answer in answers:
        paths = re.findall(r"`([^`]+)`", answer)
        assert paths, question
        assert [path for path in paths if not (ROOT / path).exists()] == [], question
        assert all(path in TEXT.split("## Stranger's test")[0] for path in paths), f"{question}: no recipe names it"
