"""What a background thread cannot do just now: said once on standard error, kept for who shows it.

A thread has nobody to raise to. So its loop catches every error, tells it here, and tries again.
"""

import sys

from runtime.errors import in_one_line


class Trouble:
    """The trouble of one thread: `text` is empty when all is well."""

    def __init__(self, program: str, what: str) -> None:
        """`what` says what does not happen meanwhile, as "nothing goes to topic verdicts"."""
        self._program, self._what = program, what
        self._said: type[Exception] | None = None
        self.text = ""

    def report(self, error: Exception) -> None:
        """Keep an error, and say it in a line; not again while errors of its class go on: each try has its own text."""
        self.text = f"{self._what}: {in_one_line(error)}"
        if type(error) is not self._said:
            self._said = type(error)
            print(f"{self._program}: {self.text}", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Say nothing: the thread did what it is for."""
        self._said, self.text = None, ""
