"""The plot itself: what a person reads on it, and what a frame costs after an hour."""

import io
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from consumer_viz.feed.counts import Snapshot
from consumer_viz.feed.messages import MessageCounts
from consumer_viz.plot.figure import LivePlot, new_figure
from consumer_viz.plot.panels import BLUE, GREEN, VERMILION
from consumer_viz.plot.view import HISTORY_S, MIN_WINDOW_S, WINDOW_S, View, animation_views, live_view, run_view
from contracts.events import ACTIVITY, PLAYS

Listen = Callable[..., Any]


def texts(figure: Figure) -> str:
    """Return all that is written on a figure."""
    inside = [text for ax in figure.axes for text in (*ax.texts, ax.title)]
    return "\n".join(t.get_text() for t in (*figure.texts, *inside) if t.get_visible())


def draw(view: View) -> Figure:
    figure = new_figure()
    LivePlot(figure, view.zone).update(view)
    return figure


def picture(figure: Figure) -> Image.Image:
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return Image.open(out)


def test_an_attack_is_named_marked_and_shaded(listen: Listen, zone: ZoneInfo) -> None:
    feed = listen(attack=(400, 600))
    view = live_view(feed.snapshot(), zone)
    assert view.is_alarm
    assert re.fullmatch(r"Looks like bots since 22:03:20: streams \+1\d %, activity −(1[5-9]|2\d) %", view.headline)
    figure = draw(view)
    text = texts(figure)
    assert "looks like bots from 22:03:20" in text
    assert "flags rise at 22:04:10, 50 s after the start" in text
    assert all(any(patch.get_visible() for patch in ax.patches[:4]) for ax in figure.axes)


def test_a_quiet_stretch_says_so_and_marks_nothing(listen: Listen, zone: ZoneInfo) -> None:
    view = live_view(listen().snapshot(), zone)
    assert view.headline == "As usual: nothing looks like bots"
    assert "looks like bots from" not in texts(draw(view))


def test_after_an_attack_the_headline_no_longer_alarms(listen: Listen, zone: ZoneInfo) -> None:
    view = live_view(listen(attack=(300, 400)).snapshot(), zone)
    assert view.headline.startswith("As usual again. Looked like bots 22:01:40–22:03:")
    assert not view.is_alarm


def test_without_a_fraud_count_the_plot_says_that_none_has_come(listen: Listen, zone: ZoneInfo) -> None:
    feed = listen(with_flags=False)
    assert "No fraud count has arrived yet" in texts(draw(live_view(feed.snapshot(), zone)))
    assert "No fraud count arrived in this run" in texts(draw(run_view(feed.snapshot(), zone)))


def test_an_empty_plot_says_what_it_waits_for(zone: ZoneInfo) -> None:
    text = texts(
        draw(live_view(Snapshot(1_795_000_000.0, trouble="no broker answers at 127.0.0.1:9: run  playproof up"), zone))
    )
    assert "Waiting for plays" in text
    assert text.count("no broker answers") == 2


def test_what_could_not_be_read_is_counted(listen: Listen, zone: ZoneInfo) -> None:
    feed = listen()
    feed.counts.bad_messages, feed.counts.bad_rows = 3, 1200
    assert "3 messages and 1,200 rows unreadable" in texts(draw(live_view(feed.snapshot(), zone)))


def test_hostile_text_stays_text(zone: ZoneInfo) -> None:
    figure = draw(live_view(Snapshot(1_795_000_000.0, trouble="$\\frac{broken"), zone))
    assert picture(figure).size == (1200, 700)


def test_times_are_those_of_the_display_zone(listen: Listen) -> None:
    snapshot = listen(attack=(400, 600)).snapshot()
    assert "22:03:20" in live_view(snapshot, ZoneInfo("Australia/Melbourne")).headline
    assert "16:33:20" in live_view(snapshot, ZoneInfo("Asia/Kolkata")).headline


def test_the_picture_is_1200_by_700_and_no_text_leaves_it_or_covers_another_panel(
    listen: Listen, zone: ZoneInfo
) -> None:
    for view in (
        live_view(listen(attack=(400, 600)).snapshot(), zone),
        live_view(listen(attack=(560, 600)).snapshot(), zone),
        run_view(listen(n=500, per_s=100, attack=(250, 400)).snapshot(), zone),
    ):
        figure = draw(view)
        assert picture(figure).size == (1200, 700)
        for text in (t for t in figure.findobj(Text) if isinstance(t, Text) and t.get_text()):
            box = text.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= 1200, text.get_text()
            assert box.y0 >= 0
            assert box.y1 <= 700


def test_the_axis_grows_with_the_first_minutes_to_the_last_ten(listen: Listen, zone: ZoneInfo) -> None:
    for n, shown in ((20, MIN_WINDOW_S), (300, 301), (1100, WINDOW_S)):
        start, end = live_view(listen(n=n).snapshot(), zone).axis
        assert end - start == shown


def test_a_run_sent_within_seconds_keeps_its_shape_and_flags_get_an_axis_of_their_own(
    listen: Listen, zone: ZoneInfo
) -> None:
    feed = listen(n=500, per_s=100, attack=(250, 400))
    feed.now += 100
    view = run_view(feed.snapshot(), zone)
    assert view.axis[1] - view.axis[0] == 5
    assert view.flag_axis[1] - view.flag_axis[0] > 100
    assert len(view.series.x) > 100
    assert view.attack is not None
    assert view.attack.start == pytest.approx(view.axis[0] + 2.5, abs=0.15)


def test_an_animation_unfolds_on_the_axes_of_the_whole_run(listen: Listen, zone: ZoneInfo) -> None:
    views = list(animation_views(listen(attack=(300, 500)).snapshot(), zone, frames=10))
    assert len({(v.axis, v.flag_axis) for v in views}) == 1
    lengths = [len(v.series.x) for v in views]
    assert lengths == sorted(lengths)
    assert [v.attack is not None for v in views] == [False] * 5 + [True] * 5


def test_an_hour_of_frames_changes_data_only_and_holds_no_more_than_it_shows(listen: Listen, zone: ZoneInfo) -> None:
    feed = listen(attack=(300, 400))
    figure = new_figure()
    plot = LivePlot(figure, zone)
    plot.update(live_view(feed.snapshot(), zone))
    artists = [id(artist) for artist in figure.findobj()]
    rng = np.random.default_rng(2)
    for second in range(3600):
        feed.now += 1
        for topic, rows in ((PLAYS, 200), (ACTIVITY, int(rng.normal(620, 45)))):
            feed.counts.add_rows(MessageCounts(topic, int(feed.now), second, rows, 124 if topic == PLAYS else 0, 0))
        if second % 60 == 0:
            snapshot = feed.snapshot(feed.now - HISTORY_S)
            assert len(snapshot.batches) <= HISTORY_S + 1
            plot.update(live_view(snapshot, zone))
    lasting = {id(artist) for artist in figure.findobj()}
    assert len(lasting & set(artists)) >= len(figure.axes) * 10
    assert sum(len(ax.lines) + len(ax.patches) + len(ax.texts) for ax in figure.axes) < 50
    assert all(np.size(line.get_xdata()) <= HISTORY_S + 10 for ax in figure.axes for line in ax.lines)


def test_colours_can_be_told_apart_by_the_colour_blind() -> None:
    """Blue, green and vermilion stay apart under both kinds of red-green blindness.

    Matrices for full dichromacy in linear RGB: Viénot, Brettel and Mollon, Color Research & Application 24 (1999) for
    the two red-green kinds.
    """
    linear = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in (BLUE, GREEN, VERMILION)]) ** 2.2
    protan = np.array([[0.1124, 0.8876, 0.0], [0.1124, 0.8876, 0.0], [0.0040, -0.0040, 1.0]])
    deutan = np.array([[0.2928, 0.7072, 0.0], [0.2928, 0.7072, 0.0], [-0.0223, 0.0223, 1.0]])
    for matrix in (protan, deutan):
        colours = (linear @ matrix.T).clip(0) ** (1 / 2.2)
        apart = np.linalg.norm(colours[:, None] - colours[None], axis=2)
        assert apart[apart > 0].min() > 0.1
