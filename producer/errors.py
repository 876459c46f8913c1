"""The errors of the producer: every one is a single line that says what happened, why, and what to do.

ProducerError
├── SetupError      jars, checksums, Java, packages
├── BrokerError     the broker cannot start, or does not answer
├── ReplayError     a replay cannot begin or go on as asked
│   └── DeliveryError   the broker did not acknowledge what was sent
├── AuditError      the audit lacks something it needs to read
├── HistoryError    a listening history cannot be imported as asked
└── StackError      the processes of `make up`, or the demo, went wrong
"""


class ProducerError(Exception):
    """Root of what the producer's commands raise on purpose; `__main__` prints it as one line and exits with 1."""


class SetupError(ProducerError):
    """A part that the JVM side needs is missing or is not the one that was pinned."""


class BrokerError(ProducerError):
    """The broker cannot start, or does not answer."""


class StackError(ProducerError):
    """A process of the stack did not start, or ended before its time."""


class ReplayError(ProducerError):
    """A replay cannot begin or go on as asked: a setting, the source, the ledger or the topics do not fit."""


class DeliveryError(ReplayError):
    """The broker did not acknowledge what was sent; the ledger knows what to send again."""


class AuditError(ProducerError):
    """The audit lacks something it needs to read."""


class HistoryError(ProducerError):
    """A listening history cannot be imported as asked: no such file, an unknown layout, a map that lacks a field."""
