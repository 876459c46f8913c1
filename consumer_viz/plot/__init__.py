"""The live plot: a snapshot of the feed becomes series, series become a view, a view is drawn by a front end."""
