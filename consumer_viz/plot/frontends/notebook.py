"""The plot in a notebook cell: pictures through a display handle, which works in Jupyter and in VS Code."""

from collections.abc import Callable
from io import BytesIO

from IPython.display import Image, display

from consumer_viz.plot.figure import LivePlot, new_figure
from consumer_viz.plot.viewer import Viewer


def show(viewer: Viewer, is_done: Callable[[], bool] = lambda: False) -> None:
    """Show the plot below the cell until it is over, `is_done` returns true, or the kernel is interrupted."""
    figure = new_figure()
    plot = LivePlot(figure, viewer.zone, viewer.domain)
    handle = None
    try:
        while True:
            is_last = viewer.is_over or is_done()
            plot.update(viewer.view())
            picture = BytesIO()
            figure.savefig(picture, format="png")
            image = Image(picture.getvalue(), format="png", width=900)
            if handle is None:
                handle = display(image, display_id=True)
            else:
                handle.update(image)
            if is_last:
                return
            viewer.wait_for_next_frame()
    except KeyboardInterrupt:
        viewer.report("stopped watching; all else goes on")
