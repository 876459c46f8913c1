"""The errors of the producer: every one is a single line that says what happened, why, and what to do.

ProducerError
├── ReplayError     a replay cannot begin or go on as asked
│   └── DeliveryError   the broker did not answer, or not acknowledge what was sent
└── HistoryError    a listening history cannot be imported as asked
"""

from runtime.errors import PlayproofError


class ProducerError(PlayproofError):
    """Root of what the producer's commands raise on purpose."""


class ReplayError(ProducerError):
    """A replay cannot begin or go on as asked: a setting, the source, the ledger or the topics do not fit."""


class DeliveryError(ReplayError):
    """The broker did not answer, or not acknowledge what was sent; the ledger knows what to send again."""


class HistoryError(ProducerError):
    """A listening history cannot be imported as asked: no such file, an unknown layout, a map that lacks a field."""
