"""Commands of the live plot: live, record."""

import logging
import os
import signal
import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from consumer_viz.errors import PlotError
from contracts.metrics import PORT_OFFSETS
from runtime.command_line import Command, WorldName, log, settings_for
from runtime.settings import Settings

if TYPE_CHECKING:
    from consumer_viz.feed.consumer import KafkaFeed

READ_REST_S = 10.0
"""When a recording is stopped, what is still unread gets this long."""


class Front(StrEnum):
    """Names for --front."""

    AUTO = "auto"
    WINDOW = "window"
    BROWSER = "browser"
    TERMINAL = "terminal"
    PNG = "png"
    GIF = "gif"


def live(
    world: WorldName = None,
    front: Annotated[Front, typer.Option(help="How to show it; auto takes the best this session can.")] = Front.AUTO,
    seconds: Annotated[float | None, typer.Option(min=0, help="How long to watch (png and gif: 30).")] = None,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="File for png or gif.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the browser's page, on loopback.")] = 8988,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve Prometheus metrics on PLAYPROOF_METRICS_PORT + 2.")
    ] = False,
) -> None:
    """Show streams, activity and flagged sessions of the last ten minutes until stopped; of a shop, payments."""
    from consumer_viz.feed import metrics as feed_metrics
    from consumer_viz.plot import frontends
    from consumer_viz.plot.view import HISTORY_S
    from consumer_viz.plot.viewer import Viewer

    settings, stop = settings_for(world), _stop_on_signals()
    name = frontends.choose_frontend(out, os.environ) if front is Front.AUTO else front.value
    is_file = name in ("png", "gif")
    watch_s = 30.0 if is_file and seconds is None else seconds
    with _feed(settings, since_s=HISTORY_S) as feed:
        target = out or Path(f"live.{name}")
        if metrics:
            feed_metrics.serve(feed, settings.metrics_port + PORT_OFFSETS["feed"], settings.metrics_address)
        frontends.FRONTENDS[name](Viewer(feed, settings.zone, target, watch_s, port, log, stop))


def record(
    world: WorldName = None,
    out: Annotated[Path, typer.Option(dir_okay=False, help="The picture of the whole run.")] = Path("run.png"),
    gif: Annotated[Path | None, typer.Option(dir_okay=False, help="A film of it too.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="How long to record; else until stopped.")] = None,
) -> None:
    """Read everything from the earliest offsets until SIGTERM or Ctrl-C, then write the picture of the whole run."""
    from consumer_viz.feed.counts import RUN_BATCHES
    from consumer_viz.plot.frontends.image import FRAMES, write_gif, write_png
    from consumer_viz.plot.view import animation_views, run_view
    from consumer_viz.plot.viewer import Viewer

    settings, stop = settings_for(world), _stop_on_signals()
    zone = settings.zone
    with _feed(settings, since_s=None, max_batches=RUN_BATCHES) as feed:
        log(f"recording from {settings.broker}; Ctrl-C ends it and writes the picture")
        viewer = Viewer(feed, zone, out, seconds, report=log, stop=stop)
        while not viewer.is_over:
            viewer.report_trouble(feed.snapshot())
            viewer.wait_for_next_frame()
        feed.wait_until_read(READ_REST_S)
        snapshot = feed.snapshot()
    if feed.last_bad:
        log(f"{snapshot.bad_messages} unreadable messages, the last one {feed.last_bad}")
    write_png(run_view(snapshot, zone), out)
    print(out)
    if gif:
        write_gif(animation_views(snapshot, zone, FRAMES), zone, gif, snapshot.domain)
        print(gif)
    if not snapshot.master_rows:
        raise PlotError(
            f"the picture is empty: no {snapshot.domain.row_words[0]} were in topic {snapshot.domain.master} at "
            f"{settings.broker}: run  playproof replay"
        )


def _feed(settings: Settings, **options: object) -> "KafkaFeed":
    from consumer_viz.feed.consumer import KafkaFeed, topics_read
    from runtime.kafka.access import check_access

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # the feed reports it in one line
    kafka, domain = settings.kafka(), settings.the_world().domain
    check_access(kafka, read=topics_read(domain))
    return KafkaFeed(kafka, domain=domain, **options)  # type: ignore[arg-type]


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


COMMANDS = (
    Command("live", live, "playproof plot live --front terminal"),
    Command("record", record, "playproof plot record --out run.png --gif run.gif"),
)
