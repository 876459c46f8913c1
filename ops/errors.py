"""Errors of running and checking the whole, each a single line that says what happened, why, and what to do.

OpsError
├── SetupError           jars, checksums, Java, packages
├── StackError           a process of the stack, or the demo, went wrong
├── ResendError          rejected rows cannot be sent again
└── ReconciliationError  the reconciliation lacks something that it needs to read
"""

from runtime.errors import PlayproofError


class OpsError(PlayproofError):
    """Root of what `ops` raises on purpose."""


class SetupError(OpsError):
    """A part that the JVM side needs is missing or is not the one that was pinned."""


class StackError(OpsError):
    """A process of the stack did not start, or ended before its time."""


class ResendError(OpsError):
    """Rejected rows cannot be sent again: another process does, or a repaired row is none, or may be sent already."""


class ReconciliationError(OpsError):
    """The reconciliation lacks something that it needs to read."""
