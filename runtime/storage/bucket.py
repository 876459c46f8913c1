"""A folder of this machine and its address in a bucket: what is written goes there, what is read is copied here."""

import json
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.errors import StorageError
from runtime.storage.hdfs import SCHEME as HDFS
from runtime.storage.hdfs import NameNode
from runtime.storage.s3 import Endpoint

if TYPE_CHECKING:
    from pyarrow import fs

PARTIAL = ".partial"
TOLD = "PLAYPROOF_PLACE"
"""Variable by which the job tells its workers where a version is."""
Service = Endpoint | NameNode


def service_of(address: str) -> Service:
    """Return what answers for an address: S3, or HDFS."""
    return NameNode.of(address) if address.startswith(HDFS) else Endpoint.from_environment()


@dataclass(frozen=True, slots=True)
class Storage:
    """A version's folder on this machine and its address in a bucket."""

    folder: Path
    address: str
    endpoint: Service

    def address_of(self, path: Path) -> str:
        """Return the address of a path below the folder."""
        below = path.absolute().relative_to(self.folder).as_posix()
        return self.address if below == "." else f"{self.address}/{below}"

    def for_workers(self) -> dict[str, str]:
        """Return the variables that tell a worker where a version is: its machine need not have the folder."""
        return {TOLD: json.dumps([str(self.folder), self.address]), **self.endpoint.for_workers()}

    def open_output(self, path: Path) -> Any:
        """Open a file of the bucket to write; it is there when it is closed. Raises StorageError."""
        with self._named(path):
            return self._files.open_output_stream(self._key(path))

    def open_input(self, path: Path) -> Any:
        """Open a file of the bucket to read from any place. Raises StorageError, and FileNotFoundError."""
        with self._named(path):
            return self._files.open_input_file(self._key(path))

    def refresh(self, folder: Path) -> None:
        """Make a folder's copy equal to it: new files are copied, the oldest name first, those that are gone go.

        Folders in it are left out. Raises StorageError.
        """
        self._refresh(folder)

    def refresh_tree(self, folder: Path, leave_out: str) -> None:
        """Do so with a folder and all folders below it, but those of one name. Raises StorageError."""
        below = {info.base_name for info in self._refresh(folder) if info.type.name == "Directory"}
        for name in sorted(below - {leave_out}):
            self.refresh_tree(folder / name, leave_out)

    def _refresh(self, folder: Path) -> "list[fs.FileInfo]":
        before: set[str] = set()
        while True:
            listed = self._listed(folder)
            # a name with a dot: HDFS has it until the file is whole
            remote = {info.base_name: info for info in listed if info.is_file and not info.base_name.startswith(".")}
            try:
                for name in sorted(remote, key=lambda name: (name.startswith("_"), name)):  # a pointer after its target
                    if not _is_same(folder / name, remote[name]):
                        self._copy(folder / name, remote[name])
            except FileNotFoundError:  # its writer has removed it since it was listed
                if before == set(remote):
                    raise StorageError(f"{self.address_of(folder)} lists a file that is not there") from None
                before = set(remote)
                continue
            for file in folder.glob("*") if folder.is_dir() else ():
                if file.is_file() and file.name not in remote and not file.name.endswith(PARTIAL):
                    file.unlink(missing_ok=True)
            return listed

    def refresh_file(self, file: Path) -> None:
        """Make the copy of a file that may change equal to it; without one in the bucket there is none here.

        Raises StorageError.
        """
        with self._named(file):
            info = self._files.get_file_info(self._key(file))
        if not info.is_file:
            file.unlink(missing_ok=True)
        elif not _is_same(file, info):
            self._copy(file, info)

    def folders(self, folder: Path) -> list[Path]:
        """List the folders in a folder, and make them on this machine. Raises StorageError."""
        names = sorted(info.base_name for info in self._listed(folder) if info.type.name == "Directory")
        for name in names:
            (folder / name).mkdir(parents=True, exist_ok=True)
        return [folder / name for name in names]

    def fetch(self, files: Iterable[Path]) -> None:
        """Copy files that are not on this machine yet. Raises StorageError, and FileNotFoundError."""
        for file in files:
            if not file.exists():
                with self._named(file):
                    info = self._files.get_file_info(self._key(file))
                if not info.is_file:
                    raise FileNotFoundError(self.address_of(file))
                self._copy(file, info)

    def push(self, file: Path, to: Path | None = None) -> None:
        """Write a file of this machine to the bucket, to its own path or to another. Raises StorageError."""
        target = file if to is None else to
        content = file.read_bytes()  # first: what is opened there to write replaces what was
        with self._named(target):
            with self._files.open_output_stream(self._key(target)) as out:
                out.write(content)
            info = self._files.get_file_info(self._key(target))
        _set_time(file, info)

    def remove(self, file: Path) -> None:
        """Remove a file from the bucket and from this machine, where it is. Raises StorageError."""
        try:
            with self._named(file):
                self._files.delete_file(self._key(file))
        except FileNotFoundError:
            pass
        file.unlink(missing_ok=True)

    def remove_tree(self, folder: Path) -> None:
        """Remove a folder from the bucket. Raises StorageError."""
        with self._named(folder), suppress(FileNotFoundError):
            self._files.delete_dir(self._key(folder))

    def written_at(self, folder: Path, suffix: str) -> dict[Path, float]:
        """List the files below a folder in the bucket: path -> when it was written, in epoch s. Raises StorageError."""
        listed = self._listed(folder, recursive=True)
        prefix = f"{self._key(folder)}/"
        return {
            folder / info.path.removeprefix(prefix): info.mtime.timestamp()
            for info in listed
            if info.is_file and info.path.endswith(suffix)
        }

    def is_empty(self) -> bool:
        """Return whether the bucket has nothing at the address. Raises StorageError, also where there is no bucket."""
        return not self._listed(self.folder)

    @property
    def _files(self) -> "fs.FileSystem":
        return self.endpoint.files()

    def _key(self, path: Path) -> str:
        return self.endpoint.path_of(self.address_of(path))

    def _named(self, path: Path) -> Any:
        return _named(self.address_of(path), self.endpoint)

    def _listed(self, folder: Path, *, recursive: bool = False) -> "list[fs.FileInfo]":
        from pyarrow import fs

        with self._named(folder):
            listed = self._files.get_file_info(fs.FileSelector(self._key(folder), True, recursive))
            if not listed:  # so answers a storage that has no such bucket, too
                self.endpoint.require(self.address)
        return listed

    def _copy(self, file: Path, info: "fs.FileInfo") -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.{uuid.uuid4().hex}{PARTIAL}")
        with self._named(file), self._files.open_input_stream(info.path) as stream:
            content = stream.read()
        try:
            partial.write_bytes(content)
            _set_time(partial, info)
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def _named(address: str, endpoint: Service) -> Iterator[None]:
    """Turn what pyarrow raises about an address into one line: which storage, why, what to look at."""
    from pyarrow import ArrowException

    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, ArrowException) as error:
        raise StorageError(f"{address} {endpoint.reason_of(str(error))}") from None


def _is_same(copy: Path, info: "fs.FileInfo") -> bool:
    try:
        status = copy.stat()
    except FileNotFoundError:
        return False
    return status.st_size == info.size and status.st_mtime_ns == info.mtime_ns


def _set_time(copy: Path, info: "fs.FileInfo") -> None:
    os.utime(copy, ns=(info.mtime_ns, info.mtime_ns))
