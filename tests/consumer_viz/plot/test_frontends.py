"""Every front end shows the same plot; the right one is chosen."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib.pyplot as plt
import pytest
from IPython.display import Image as CellImage
from PIL import Image, ImageSequence
from rich.console import Console

from consumer_viz.errors import PlotError
from consumer_viz.feed.counts import FeedCounts
from consumer_viz.plot.frontends import FRONTENDS, choose_frontend, notebook, terminal, window
from consumer_viz.plot.view import live_view
from consumer_viz.plot.viewer import Viewer
from tests.consumer_viz.conftest import NOW, FakeFeed

Listen = Callable[..., Any]


class SlowFeed(FakeFeed):
    """A feed that has read nothing at first, and everything when it has been asked `reads` times."""

    reads: int = 3

    def wait_until_read(self, within_s: float) -> bool:
        self.reads -= 1
        self.counts.is_catching_up = self.reads > 0
        return self.reads <= 0


@pytest.mark.parametrize(
    ("out", "env", "platform", "gui", "chosen"),
    [
        (Path("a.gif"), {"DISPLAY": ":0"}, "linux", "tkagg", "gif"),
        (Path("a.png"), {"DISPLAY": ":0"}, "linux", "tkagg", "png"),
        (None, {"DISPLAY": ":0"}, "linux", "tkagg", "window"),
        (None, {"WAYLAND_DISPLAY": "wayland-0"}, "linux", "qtagg", "window"),
        (None, {}, "darwin", "macosx", "window"),
        (None, {"DISPLAY": "", "SSH_CONNECTION": "a b"}, "linux", "", "terminal"),
        (None, {"DISPLAY": ":10", "SSH_CONNECTION": "a b"}, "linux", "tkagg", "window"),
        (None, {}, "linux", "", "browser"),
    ],
)
def test_the_front_end_fits_the_session(
    out: Path | None, env: dict[str, str], platform: str, gui: str, chosen: str
) -> None:
    assert choose_frontend(out, env, platform, gui) == chosen


def test_a_png_is_written_where_it_was_asked_for(listen: Listen, zone: ZoneInfo, tmp_path: Path) -> None:
    out = tmp_path / "new" / "live.png"
    reported: list[str] = []
    FRONTENDS["png"](Viewer(listen(), zone, out, seconds=0, report=reported.append, clock=lambda: NOW))
    assert Image.open(out).size == (1200, 700)
    assert reported == [f"picture: {out}"]


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_a_picture_waits_until_the_feed_has_read_everything(
    listen: Listen, zone: ZoneInfo, tmp_path: Path, kind: str
) -> None:
    feed, out = SlowFeed(listen().counts), tmp_path / "live"
    FRONTENDS[kind](Viewer(feed, zone, out, seconds=0, report=lambda _: None, clock=lambda: NOW))
    assert feed.reads < 0
    assert out.exists()


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_no_picture_is_written_without_a_broker(zone: ZoneInfo, tmp_path: Path, kind: str) -> None:
    feed, out = SlowFeed(FeedCounts(trouble="no broker answers at x:9: run  playproof up")), tmp_path / "live"
    feed.wait_until_read = lambda within_s: False  # type: ignore[method-assign]
    with pytest.raises(PlotError, match="no picture was written: no broker answers at x:9"):
        FRONTENDS[kind](Viewer(feed, zone, out, seconds=0))
    assert not out.exists()


def test_no_picture_is_written_when_stopped_before_everything_is_read(
    listen: Listen, zone: ZoneInfo, tmp_path: Path
) -> None:
    feed = SlowFeed(listen().counts)
    feed.reads = 99
    viewer = Viewer(feed, zone, tmp_path / "live.png")
    viewer.stop.set()
    with pytest.raises(PlotError, match="stopped before everything in the topics was read"):
        FRONTENDS["png"](viewer)
    assert not viewer.out.exists()


def test_a_gif_unfolds_and_rests_on_its_last_picture(
    listen: Listen, zone: ZoneInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer_viz.plot.frontends.image.FRAMES", 6)
    out = tmp_path / "live.gif"
    FRONTENDS["gif"](Viewer(listen(attack=(300, 500)), zone, out, 0, report=lambda _: None, clock=lambda: NOW))
    animation = Image.open(out)
    lengths = [frame.info["duration"] for frame in ImageSequence.Iterator(animation)]
    assert len(lengths) == 6
    assert lengths[0] < 200
    assert lengths[-1] >= 3000


def test_the_terminal_shows_the_three_charts_and_the_attack(listen: Listen, zone: ZoneInfo) -> None:
    for width in (40, 80, 200):
        paper = io.StringIO()
        console = Console(width=width, file=paper)
        console.print(terminal.draw(live_view(listen(attack=(400, 600)).snapshot(), zone), width))
        picture = paper.getvalue()
        assert "Looks like bots since" in picture
        assert "▲▲" in picture
        assert "█" in picture
        assert all(len(line) <= width for line in picture.splitlines())


def test_the_terminal_shows_an_empty_feed_too(listen: Listen, zone: ZoneInfo) -> None:
    paper = io.StringIO()
    console = Console(width=80, file=paper)
    console.print(terminal.draw(live_view(listen(n=0, with_flags=False).snapshot(), zone), 80))
    assert paper.getvalue().count("nothing yet") == 3


def test_the_terminal_draws_until_it_is_stopped(
    listen: Listen, zone: ZoneInfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Viewer, "wait_for_next_frame", lambda self: self.stop.set())
    FRONTENDS["terminal"](Viewer(listen(), zone, clock=lambda: NOW))
    assert capsys.readouterr().out.count("As usual: nothing looks like bots") == 1


def test_a_cell_shows_one_picture_and_renews_it_until_done(
    listen: Listen, zone: ZoneInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[CellImage] = []

    class Handle:
        def update(self, image: CellImage) -> None:
            shown.append(image)

    def display(image: CellImage, display_id: bool) -> Handle:
        assert display_id
        shown.append(image)
        return Handle()

    monkeypatch.setattr(notebook, "display", display)
    monkeypatch.setattr(Viewer, "wait_for_next_frame", lambda self: None)
    turns = iter([False, False, True])
    notebook.show(Viewer(listen(), zone), is_done=lambda: next(turns))
    assert [Image.open(io.BytesIO(image.data)).size for image in shown] == [(1200, 700)] * 3


def test_an_interrupted_cell_ends_quietly(listen: Listen, zone: ZoneInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Viewer) -> None:
        raise KeyboardInterrupt

    reported: list[str] = []
    monkeypatch.setattr(notebook, "display", lambda *_, **__: None)
    monkeypatch.setattr(Viewer, "wait_for_next_frame", interrupt)
    notebook.show(Viewer(listen(), zone, report=reported.append))
    assert reported == ["stopped watching; all else goes on"]


def test_a_window_is_closed_when_the_watching_is_over(
    listen: Listen, zone: ZoneInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "find_backend", lambda: "agg")
    frames: list[Callable[[], bool]] = []

    class Timer:
        def add_callback(self, frame: Callable[[], bool]) -> None:
            frames.append(frame)

        def start(self) -> None: ...

        def stop(self) -> None:
            frames.clear()

    monkeypatch.setattr("matplotlib.backend_bases.FigureCanvasBase.new_timer", lambda self, interval: Timer())
    viewer = Viewer(listen(), zone)

    def show(block: bool) -> None:
        assert frames[0]()
        assert plt.get_fignums()
        viewer.stop.set()
        assert not frames[0]()
        assert not plt.get_fignums()

    monkeypatch.setattr(plt, "show", show)
    window.show(viewer)
    assert frames == []
