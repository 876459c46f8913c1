"""After an hour a frame holds what it held after a minute: artists are mutated, the counts have a bound."""

from consumer_viz.feed.counts import LIVE_BATCHES, FeedCounts
from consumer_viz.plot.figure import new_figure
from ops.soak.plot import COLUMNS, AdvancedFeed, by_quarter, watch


def test_what_the_plot_holds_is_the_same_after_many_frames() -> None:
    frames = list(watch(new_figure(), 12))
    assert len({frame.artists for frame in frames}) == 1, "an artist that is added each frame is a leak"
    assert {frame.batches for frame in frames} == {LIVE_BATCHES}
    quarters = by_quarter(frames)
    assert [row[0] for row in quarters] == ["1", "2", "3", "4"]
    assert {len(row) for row in quarters} == {len(COLUMNS)}


def test_the_counts_drop_the_oldest_batches() -> None:
    feed = AdvancedFeed(counts=FeedCounts(max_batches=50))
    for _ in range(200):
        feed.advance()
    batches = feed.snapshot().batches
    assert len(batches) == 50
    assert batches[-1].ts == feed.now
