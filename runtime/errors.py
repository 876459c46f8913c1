"""The root of every error that a person reads: one line that says what happened, why, and what to do.

PlayproofError
├── SettingError      a PLAYPROOF_ variable has a value that cannot be used
├── WorldError        a world, or a part of it that a command needs, does not exist
├── JvmError          no usable Java, or jars are missing
├── SecuritySettingError   PLAYPROOF_SECURITY cannot be used as it is
├── FolderError       a folder that must be private to this user is open to others: spark_app.scratch
├── ParquetError      a parquet file cannot be read: runtime.parquet
├── BrokerError       the broker cannot start, does not answer, or lacks a topic
│   └── AccessError   the broker answers and refuses us: password, certificate, or a right that is missing
├── StorageError      an address in a bucket cannot be used, or does not answer
├── LakeError         a table of the lake cannot be written: somebody else writes it
├── CheckpointError   what Spark wrote of its micro-batches is missing or unreadable
├── ProducerError     producer.errors
├── JobError          spark_app.errors
├── ModelError        models.errors
├── VizError          consumer_viz.errors
└── OpsError          ops.errors
"""

from collections.abc import Iterator
from contextlib import contextmanager


class PlayproofError(Exception):
    """Root of what commands raise on purpose; the command line prints it as one line and exits with 1."""


class CheckpointError(PlayproofError):
    """What Spark wrote of its micro-batches is missing or unreadable."""


class LakeError(PlayproofError):
    """A table of the lake cannot be written: another program, or another checkpoint, writes it."""


class StorageError(PlayproofError):
    """An address in a bucket cannot be used, or does not answer; the message has no key."""


class SecuritySettingError(PlayproofError):
    """PLAYPROOF_SECURITY cannot be used as it is; the message never shows a value of it."""


class BrokerError(PlayproofError):
    """The broker cannot start, does not answer, or lacks a topic."""


class AccessError(BrokerError):
    """The broker answers and refuses us: the password, the certificate, or a right that is missing."""


def in_one_line(error: Exception) -> str:
    """Return what an error says, in one line; with its class where the text alone is not for a reader.

    >>> in_one_line(BrokerError("no broker answers")), in_one_line(KeyError("path")), in_one_line(EOFError())
    ('no broker answers', "KeyError: 'path'", 'EOFError')
    """
    text, name = " ".join(str(error).split()), type(error).__name__
    if isinstance(error, PlayproofError) or name in text:
        return text
    return f"{name}: {text}" if text else name


@contextmanager
def naming(file: object, damaged: type[PlayproofError]) -> Iterator[None]:
    """Raise `damaged`, which names the file, where its content cannot be read; FileNotFoundError stays what it is.

    Who reads JSON and archives has a dozen errors for a byte that has changed and an end that is missing.
    """
    try:
        yield
    except (PlayproofError, FileNotFoundError):
        raise
    except Exception as error:
        raise damaged(f"{file} is unreadable ({in_one_line(error)}): restore it from a copy") from None
