"""Put the report and figures of a finished run into a page of the docs, between two markers."""

from pathlib import Path

from PIL import Image

from models.errors import ModelError

BEGIN, END = "<!-- netflix:begin -->", "<!-- netflix:end -->"
COLOURS = 160
"""Of a figure's palette: enough for bars, text and shades, and half of the bytes."""
FIGURES = {
    "labels": "Account-days by category, and by number of categories (their figure 2).",
    "correlation": "Correlation of the features, honest and anomalous (their figure 3).",
    "smote": "What SMOTE adds (their figure 4).",
    "autoencoder": "The auto-encoder's error: its distribution, and by feature (their figures 6a and 6c).",
    "confusion": "Confusion matrices: the auto-encoder's (their figure 6b), then the binary models'.",
    "importance": "Normalised importances by category (their figure 7).",
}


def split_page(page: Path) -> tuple[str, str]:
    """Return what a page has before and after its markers. Raises ModelError where it is not there or has none."""
    text = page.read_text() if page.is_file() else ""
    if BEGIN not in text or END not in text:
        raise ModelError(f"{page}: expected a page with the lines {BEGIN} and {END}, as docs/netflix.md")
    return text.split(BEGIN, 1)[0], text.split(END, 1)[1]


def publish(out: Path, page: Path, figures: Path) -> None:
    """Copy the figures of a run in `out` to the folder `figures`, and renew the page between its markers.

    Raises ModelError where the page is not there or has no markers.
    """
    before, after = split_page(page)
    figures.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, caption in FIGURES.items():
        with Image.open(out / "figures" / f"{name}.png") as image:
            image.convert("RGB").quantize(COLOURS).save(figures / f"{name}.png", optimize=True)
        path = (figures / f"{name}.png").relative_to(page.parent).as_posix()
        lines += ["", caption, "", f"![{caption}]({path})"]
    body = (out / "report.md").read_text().split("\n", 2)[2].strip()
    text = "\n".join([body, "", "## Figures", *lines])
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
