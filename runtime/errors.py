"""The root of every error that a person is meant to read: one line that says what happened, why, and what to do.

PlayproofError
├── WorldError        a world lacks a part that a command needs
├── JvmError          no usable Java, or jars are missing
├── CheckpointError   what Spark wrote of its micro-batches is missing or unreadable
├── ProducerError     producer.errors
├── JobError          spark_app.errors
├── ModelError        models.errors
└── OpsError          ops.errors
"""


class PlayproofError(Exception):
    """Root of what commands raise on purpose; the command line prints it as one line and exits with 1."""


class CheckpointError(PlayproofError):
    """What Spark wrote of its micro-batches is missing or unreadable."""
