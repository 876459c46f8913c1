"""The figures of the daily report can be drawn, whatever there is to draw."""

import pytest
from matplotlib.figure import Figure

from models.metrics.intervals import Share
from models.user_days.report.figures import shares

MANY, FEW = Share(1.0, 0.97, 1.0, 136), Share(None, 0.0, 1.0, 4)


@pytest.mark.parametrize("rows", [{"farm": MANY, "marathon": FEW}, {"marathon": FEW}, {}])
def test_a_share_of_too_few_rows_is_named_inside_the_figure(rows: dict[str, Share]) -> None:
    figure: Figure = shares("Recall by family", rows, "red")
    figure.draw_without_rendering()  # warns where the layout cannot be made
    edge = figure.axes[0].get_window_extent()
    texts = figure.axes[0].texts
    assert [text.get_text().strip() for text in texts] == ["too few" for share in rows.values() if share is FEW]
    assert all(edge.contains(*text.get_window_extent().p0) for text in texts)
