"""The plot in a notebook cell. It shows pictures by a display handle: works in Jupyter and VS Code alike."""

from collections.abc import Callable
from io import BytesIO

from IPython.display import Image, display

from consumer_viz.plot.viewer import Watch, blank_figure


def show(watch: Watch, is_done: Callable[[], bool] = lambda: False) -> None:
    """Show the plot below the cell until it is over, `is_done` says so, or the kernel is interrupted."""
    figure = blank_figure()
    plot = watch.plot_on(figure)
    handle = None
    try:
        while True:
            is_last = watch.is_over or is_done()
            plot.update(watch.view())
            picture = BytesIO()
            figure.savefig(picture, format="png")
            image = Image(picture.getvalue(), format="png", width=900)
            if handle is None:
                handle = display(image, display_id=True)
            else:
                handle.update(image)
            if is_last:
                return
            watch.rest()
    except KeyboardInterrupt:
        watch.say("stopped watching; all else goes on")
