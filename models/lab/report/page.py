"""Put the lab's tables into a page of the docs, between two markers."""

from pathlib import Path

import orjson

from models.lab.report.tables import render_tables

BEGIN, END = "<!-- lab:begin -->", "<!-- lab:end -->"


def publish(out: Path, page: Path) -> None:
    """Put the tables of a finished run between the page's markers; a page without them gets them at its end."""
    results = orjson.loads((out / "results.json").read_bytes())
    text = page.read_text() if page.exists() else "# Lab\n\n"
    if BEGIN not in text:
        text += f"{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN, 1)
    page.write_text(f"{before}{BEGIN}\n{render_tables(results)}\n{END}{rest.split(END, 1)[1]}")
