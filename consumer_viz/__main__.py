"""`python -m consumer_viz`: watch the topics, or record a run into a picture."""

import logging
import os
import signal
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from consumer_viz.feed import metrics as feed_metrics
from consumer_viz.feed.consumer import READ, KafkaFeed
from consumer_viz.feed.counts import RUN_BATCHES
from consumer_viz.plot import frontends
from consumer_viz.plot.frontends.image import FRAMES, write_gif, write_png
from consumer_viz.plot.view import HISTORY_S, animation_views, run_view
from consumer_viz.plot.viewer import Viewer
from contracts.metrics import PORT_OFFSETS
from runtime.errors import PlayproofError
from runtime.kafka.access import check_access
from runtime.settings import Settings

READ_REST_S = 10.0
"""When a recording is stopped, what is still unread gets this long."""

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


class Front(StrEnum):
    """Names for --front."""

    AUTO = "auto"
    WINDOW = "window"
    BROWSER = "browser"
    TERMINAL = "terminal"
    PNG = "png"
    GIF = "gif"


@app.command(
    epilog="Examples:  python -m consumer_viz live   ·   python -m consumer_viz live --front terminal   ·   "
    "python -m consumer_viz live --seconds 60 --out now.png"
)
def live(
    front: Annotated[Front, typer.Option(help="How to show it; auto takes the best this session can.")] = Front.AUTO,
    seconds: Annotated[float | None, typer.Option(min=0, help="How long to watch (png and gif: 30).")] = None,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="File for png or gif.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the browser's page, on loopback.")] = 8988,
    metrics: Annotated[bool, typer.Option(help="Serve Prometheus metrics too, on PLAYPROOF_METRICS_PORT + 2.")] = False,
) -> None:
    """Show streams, activity and flagged sessions of the last ten minutes until stopped."""
    settings, stop = Settings(), _stop_on_signals()
    name = frontends.choose_frontend(out, os.environ) if front is Front.AUTO else front.value
    is_file = name in ("png", "gif")
    watch_s = 30.0 if is_file and seconds is None else seconds
    with _feed(settings, since_s=HISTORY_S) as feed:
        target = out or Path(f"live.{name}")
        if metrics:
            feed_metrics.serve(feed, settings.metrics_port + PORT_OFFSETS["feed"])
        frontends.FRONTENDS[name](Viewer(feed, _zone(settings), target, watch_s, port, _say, stop))


@app.command(epilog="Example:  python -m consumer_viz record --out run.png --gif run.gif   (then Ctrl-C, or SIGTERM)")
def record(
    out: Annotated[Path, typer.Option(dir_okay=False, help="The picture of the whole run.")] = Path("run.png"),
    gif: Annotated[Path | None, typer.Option(dir_okay=False, help="A film of it too.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="How long to record; else until stopped.")] = None,
) -> None:
    """Read everything from the earliest offsets until SIGTERM or Ctrl-C, then write the picture of the whole run."""
    settings, stop = Settings(), _stop_on_signals()
    zone = _zone(settings)
    with _feed(settings, since_s=None, max_batches=RUN_BATCHES) as feed:
        viewer = Viewer(feed, zone, out, seconds, report=_say, stop=stop)
        while not viewer.is_over:
            viewer.report_trouble(feed.snapshot())
            viewer.wait_for_next_frame()
        feed.wait_until_read(READ_REST_S)
        snapshot = feed.snapshot()
    if feed.last_bad:
        _say(f"{snapshot.bad_messages} unreadable messages, the last one {feed.last_bad}")
    write_png(run_view(snapshot, zone), out)
    typer.echo(out)
    if gif:
        write_gif(animation_views(snapshot, zone, FRAMES), zone, gif)
        typer.echo(gif)
    if not snapshot.plays:
        raise _Refused(f"no plays were in topic plays at {settings.broker}: the picture is empty")


@app.command(epilog="Example:  python -m consumer_viz dash   (then open the address it prints; Ctrl-C stops)")
def dash(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Of the pages, on loopback; 0: any.")] = None,
    metrics: Annotated[bool, typer.Option(help="Serve Prometheus metrics too, on PLAYPROOF_METRICS_PORT + 3.")] = False,
) -> None:
    """Serve the analyst's pages: the queue of suspected accounts, their cases, verdicts, quality, health."""
    from consumer_viz.dashboard.serve import serve

    settings = Settings()
    serve(settings, _zone(settings), settings.dash_port if port is None else port, typer.echo, is_measured=metrics)


class _Refused(Exception):
    """Ends the command with one line and a non-zero exit code."""


def _feed(settings: Settings, **options: object) -> KafkaFeed:
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # the feed says it in its own words
    kafka = settings.kafka()
    check_access(kafka, read=READ)
    return KafkaFeed(kafka, **options)  # type: ignore[arg-type]


def _zone(settings: Settings) -> ZoneInfo:
    try:
        return ZoneInfo(settings.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _Refused(
            f"PLAYPROOF_TIME_ZONE: no time zone {settings.time_zone!r}: expected a name such as Australia/Melbourne"
        ) from None


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def main() -> None:
    """Run the command; what was refused ends in one line."""
    try:
        app()
    except (_Refused, PlayproofError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.strerror or error}: {error.filename or ''}")


if __name__ == "__main__":
    main()
