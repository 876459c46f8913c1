"""How to reach HDFS: as `deltalake` does, by the client hdfs-native, which needs no Java.

It reads what HADOOP_CONF_DIR names (name services, Kerberos), and takes the user from HADOOP_USER_NAME or a ticket, as
Spark's own client does. The package is an extra: `pip install hdfs-native`.
"""

import secrets
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlparse

from runtime.errors import StorageError

if TYPE_CHECKING:
    from pyarrow import fs

SCHEME = "hdfs://"
OPTIONS = {"dfs.client.failover.max.attempts": "4"}
"""How often a name node is asked that does not answer: some 15 s; 3 minutes by default."""
_REFUSED = ("AccessControlException", "Permission denied", "SaslError", "GSSAPI", "authentication")
_SILENT = ("Connection refused", "timed out", "Connection reset", "failed to lookup", "No route", "NoHostsLeft")


@dataclass(frozen=True, slots=True)
class NameNode:
    """Where a file system is: a name node, or a name service of the configuration."""

    authority: str
    jars: ClassVar[tuple[str, ...]] = ()
    """Spark brings its client."""

    @classmethod
    def of(cls, address: str) -> Self:
        """Return the one of an address.

        >>> NameNode.of("hdfs://name-node:8020/playproof")
        NameNode(authority='name-node:8020')
        """
        return cls(urlparse(address).netloc)

    def files(self) -> "fs.FileSystem":
        """Return its file system. Raises StorageError where the client is not installed."""
        return _files(self)

    def path_of(self, address: str) -> str:
        """Return the path of an address in its file system."""
        return urlparse(address).path

    def spark_address(self, address: str) -> str:
        """Return an address as Spark names it."""
        return address

    def for_delta(self) -> dict[str, str]:
        """Return the options of `deltalake`."""
        return dict(OPTIONS)

    def for_spark(self) -> dict[str, str]:
        """Return Spark's settings for checkpoints there."""
        return {
            "spark.sql.streaming.checkpointFileManagerClass": (
                "org.apache.spark.sql.execution.streaming.FileContextBasedCheckpointFileManager"
            ),
        }

    def for_workers(self) -> dict[str, str]:
        """Return the variables that a worker needs: none, as it has the configuration itself."""
        return {}

    def require(self, address: str) -> None:
        """Return: folders need not be there before."""

    def reason_of(self, error: str) -> str:
        """Say why it refused or did not answer, from a client's error.

        >>> NameNode("name-node:8020").reason_of("Connection refused (os error 111)")
        'cannot be reached: name-node:8020 does not answer; look at PLAYPROOF_STORAGE, and whether HDFS runs'
        """
        if any(word in error for word in _REFUSED):
            return "is refused: look at HADOOP_USER_NAME, or the Kerberos ticket, and the rights of that user there"
        if any(word in error for word in _SILENT):
            return (
                f"cannot be reached: {self.authority} does not answer; look at PLAYPROOF_STORAGE, and whether HDFS runs"
            )
        cause = error.splitlines()[0][:200] if error else "no reason given"
        return f"cannot be used ({cause}): look at HDFS at {self.authority}"


@lru_cache(maxsize=8)
def _files(name_node: NameNode) -> "fs.FileSystem":
    from pyarrow import fs

    try:
        from hdfs_native.fsspec import HdfsFileSystem
    except ImportError:
        raise StorageError(
            f"{SCHEME}{name_node.authority} needs the package hdfs-native, here and on every worker: run  "
            "pip install hdfs-native"
        ) from None

    class Files(HdfsFileSystem):  # type: ignore[misc]  # its package is an extra
        """Files with their times, which are there when they are closed, as in a bucket."""

        def _convert_file_status(self, status: Any) -> dict[str, Any]:
            described: dict[str, Any] = super()._convert_file_status(status)
            return described | {"mtime": status.modification_time / 1000}

        def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
            if mode != "wb":
                return super()._open(path, mode, **options)
            path = self._strip_protocol(path)
            folder, _, name = path.rpartition("/")
            partial = (
                f"{folder}/.{secrets.token_hex(8)}-{name}"  # upkeep removes what a kill left: its ending is the same
            )
            return Replacement(self.client, super()._open(partial, mode), partial, path)

    host, _, port = name_node.authority.partition(":")
    return fs.PyFileSystem(fs.FSSpecHandler(Files(host, int(port) if port else None, **OPTIONS)))


class Replacement:
    """A file that takes its place when it is closed: no reader finds half of it."""

    def __init__(self, client: Any, file: Any, partial: str, path: str) -> None:
        self._client, self._file, self._partial, self._path = client, file, partial, path
        self.closed = False

    def write(self, content: Any) -> int:
        """Write, and return how many bytes."""
        return int(self._file.write(content))

    def flush(self) -> None:
        """Return: what is written is there when the file is closed."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """Finish the file, and put it in the place of the one that was there."""
        if self.closed:
            return
        self.closed = True
        self._file.close()
        self._client.rename(self._partial, self._path, True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:  # else what is there is half of it: the one before stays
            self.close()
