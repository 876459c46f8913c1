"""Commands that write files of the documentation."""

import json
from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command
from runtime.settings import Settings


def data_dictionary() -> None:
    """Print the data dictionary of topics and tables, as data/README.md holds it."""
    from ops.tools.data_dictionary import render

    print(render(), end="")


def asyncapi() -> None:
    """Print the topics as AsyncAPI 3.0, as docs/reference/asyncapi.yaml holds them."""
    from ops.tools.asyncapi import render

    print(render(), end="")


def sbom() -> None:
    """Print the bill of materials as CycloneDX: every package and jar that the locks pin."""
    from ops.tools.sbom import render

    print(render(), end="")


def pictures(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("docs/media"),
) -> None:
    """Draw the live plot of the last demo run, a picture and a film."""
    from ops.tools.plot_pictures import draw_pictures
    from runtime import terminal

    written = draw_pictures(Settings(), out, terminal.print_line)
    terminal.print_fields({str(picture): f"{picture.stat().st_size / 1024:.0f} KB" for picture in written})


def latency_page(
    page: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The page.")] = Path("docs/latency.md"),
    results: Annotated[Path | None, typer.Option(help="Default data/latency/results.json.")] = None,
) -> None:
    """Write the figures that `playproof latency` measured into docs/latency.md."""
    from ops.errors import StackError
    from ops.latency.measure import WORLD
    from ops.tools.latency_page import fill

    file = results or Settings(world=WORLD).the_world().root / "results.json"
    try:
        figures = json.loads(file.read_text())
    except (OSError, ValueError):
        raise StackError(f"{file} cannot be read: run  playproof latency") from None
    page.write_text(fill(page.read_text(), figures))
    print(f"written to {page}")


COMMANDS = (
    Command("data-dictionary", data_dictionary, "playproof tools data-dictionary"),
    Command("asyncapi", asyncapi, "playproof tools asyncapi"),
    Command("sbom", sbom, "playproof tools sbom"),
    Command("latency-page", latency_page, "playproof tools latency-page"),
    Command("pictures", pictures, "playproof tools pictures --out docs/media", needs_jvm=True),
)
