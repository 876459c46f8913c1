"""The error of this package: one line that says what is wrong and what to do."""

from runtime.errors import PlayproofError


class ModelError(PlayproofError):
    """A model, a training table or an evaluation cannot be used as asked."""
