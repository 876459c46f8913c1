"""After an hour a frame holds what it held after a minute: artists are mutated, the counts have a bound."""

import numpy as np

from consumer_viz.feed.counts import LIVE_BATCHES, FeedCounts
from consumer_viz.plot.figure import new_figure
from consumer_viz.plot.panels import BLUE, GREEN, VERMILION
from tests.consumer_viz.plot.soak import AdvancedFeed, by_quarter, watch


def test_what_the_plot_holds_is_the_same_after_many_frames() -> None:
    frames = list(watch(new_figure(), 12))
    assert len({frame.artists for frame in frames}) == 1, "an artist that is added each frame is a leak"
    assert {frame.batches for frame in frames} == {LIVE_BATCHES}
    assert len(by_quarter(frames)) == 5


def test_the_counts_drop_the_oldest_batches() -> None:
    feed = AdvancedFeed(counts=FeedCounts(max_batches=50))
    for _ in range(200):
        feed.advance()
    batches = feed.snapshot().batches
    assert len(batches) == 50
    assert batches[-1].ts == feed.now


def test_colours_can_be_told_apart_by_the_colour_blind() -> None:
    """Blue, green and vermilion stay apart under both kinds of red-green blindness; titles and position too too.

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
