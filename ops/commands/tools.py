"""Commands that write files of the documentation."""

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


COMMANDS = (
    Command("data-dictionary", data_dictionary, "playproof tools data-dictionary"),
    Command("asyncapi", asyncapi, "playproof tools asyncapi"),
    Command("sbom", sbom, "playproof tools sbom"),
    Command("pictures", pictures, "playproof tools pictures --out docs/media", needs_jvm=True),
)
