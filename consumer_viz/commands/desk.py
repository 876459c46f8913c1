"""The command of the analyst's pages: desk."""

from typing import Annotated

import typer

from runtime.command_line import Command, WorldName, settings_for


def desk(
    world: WorldName = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Of the pages, on loopback; 0: any.")] = None,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve Prometheus metrics on PLAYPROOF_METRICS_PORT + 3.")
    ] = False,
) -> None:
    """Serve the analyst's pages: the queue of suspected accounts, their cases, verdicts, quality, health."""
    from consumer_viz.dashboard.serve import serve

    settings = settings_for(world)
    settings.existing_world()
    serve(settings, settings.zone, settings.dash_port if port is None else port, print, is_measured=metrics)


DESK = Command("desk", desk, "playproof desk --world demo --port 0")
