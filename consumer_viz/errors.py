"""The errors of this package, each one line that says what is wrong and what to do.

VizError
├── PlotError      there is nothing to draw
├── ServeError     the pages cannot be served: their port is taken, or the record of verdicts is damaged
└── LedgerError    there is no royalty ledger, or its file is none
"""

from runtime.errors import PlayproofError


class VizError(PlayproofError):
    """Root of what the plot and the pages raise on purpose."""


class PlotError(VizError):
    """There is nothing to draw."""


class ServeError(VizError):
    """The pages cannot be served."""


class LedgerError(VizError):
    """There is no royalty ledger, or its file is none."""
