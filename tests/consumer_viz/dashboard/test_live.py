"""The live page's charts: the same view as the live plot's, as lists."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from consumer_viz.dashboard.live.live_metrics import chart_points
from consumer_viz.plot.view import live_view


def test_what_looks_like_bots_is_shaded_from_its_start_to_its_end(listen: Callable[..., Any], zone: ZoneInfo) -> None:
    view = live_view(listen(attack=(300, 400)).snapshot(), zone)
    ((start, end),) = chart_points(view, tail=5)["attacks"]
    assert view.axis[0] < start < end < view.axis[1]
    assert 80 < end - start < 160
    assert chart_points(live_view(listen().snapshot(), zone))["attacks"] == []
