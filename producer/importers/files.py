"""The files that are given: paths, folders, and the zip of an export, read in place and never unpacked to disk."""

import io
import stat
import zipfile
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

from producer.errors import HistoryError

HEAD_BYTES = 65_536
MAX_ZIP_BYTES = 4 * 1024**3
"""Most bytes that a zip may hold: ten years of listening have 155 MB (Ortham 2024), a zip bomb has no limit."""
READABLE = (".json", ".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".log", ".listens", "")
"""Endings of files that may be a history; the rest of an export (PDF, pictures) is passed over."""


@dataclass(frozen=True)
class SourceFile:
    """One file, by the name that messages use."""

    label: str
    open_bytes: Callable[[], IO[bytes]]
    together: Sequence["SourceFile"] = field(default=(), repr=False, compare=False)
    """All files below the path that was given, without theirs."""

    def above(self, name: str) -> "SourceFile | None":
        """Return the file of a name that is in the nearest folder above this one; None where there is none."""
        folder = PurePosixPath(self.label).parent
        places = {PurePosixPath(one.label).parent: one for one in self.together if one.name == name}
        return next((places[parent] for parent in (folder, *folder.parents) if parent in places), None)

    @property
    def name(self) -> str:
        return PurePosixPath(self.label.replace("\\", "/")).name

    @cached_property
    def head(self) -> str:
        """The first 64 KB as text."""
        with self._reading() as file:
            return file.read(HEAD_BYTES).decode(self.encoding, errors="replace")

    @cached_property
    def encoding(self) -> str:
        """UTF-16 where a byte-order mark says so, as in "Unicode text" of a spreadsheet; else UTF-8."""
        with self._reading() as file:
            return "utf-16" if file.read(2) in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8-sig"

    def json_list(self) -> list[Any]:
        """Parse the whole file as a JSON list, or as one record in each line."""
        with self._reading() as file:
            content = file.read()
        try:
            text = content.removeprefix(BOM_UTF8) if self.encoding != "utf-16" else content.decode("utf-16").encode()
            lines = text.splitlines() if _has_record_lines(self.head) else []
            content_list = [orjson.loads(line) for line in lines if line.strip()] if lines else orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeDecodeError) as error:
            raise HistoryError(f"{self.label}: not readable as JSON ({error}): get the export again") from None
        if not isinstance(content_list, list):
            raise HistoryError(f"{self.label}: a JSON {type(content_list).__name__}, expected a list of records")
        return content_list

    def lines(self) -> Iterator[str]:
        """Read text line by line; raises HistoryError where it is neither UTF-8 nor UTF-16."""
        with self._reading() as file, io.TextIOWrapper(file, self.encoding, newline="") as text:
            try:
                yield from text
            except UnicodeError:
                raise HistoryError(f"{self.label}: not UTF-8 text: save it as UTF-8") from None

    @contextmanager
    def _reading(self) -> Iterator[IO[bytes]]:
        """Open the file. Raises HistoryError where it cannot be opened, or is damaged further on."""
        try:
            with self.open_bytes() as file:
                yield file
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
            raise HistoryError(f"{self.label}: cannot be read ({error})") from None


def _has_record_lines(head: str) -> bool:
    """Whether a text begins with one JSON object per line.

    >>> _has_record_lines('{"a": 1}\\n{"a": 2}'), _has_record_lines('{"a": [\\n1]}'), _has_record_lines("[]")
    (True, False, False)
    """
    first, _, second = head.lstrip().partition("\n")
    return first.startswith("{") and first.rstrip().endswith("}") and second.lstrip().startswith("{")


def find_files(paths: Sequence[Path]) -> list[SourceFile]:
    """List the files below the paths given, zips looked into, sorted by name within each. Raises HistoryError."""
    files: list[SourceFile] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
            together = [file for one in inside for file in _of_path(one, one.relative_to(path).as_posix())]
        elif path.exists():
            if not path.is_file():  # a pipe, as of `<(zcat …)`: a file is read more than once
                raise HistoryError(f"{path} is no file and no folder: write what it gives into a file first")
            together = _of_path(path, path.name)
        else:
            raise HistoryError(f"no such file or folder: {path}")
        files += [replace(file, together=together) for file in together]
    return files


def _of_path(path: Path, label: str) -> list[SourceFile]:
    if path.suffix.lower() == ".zip":
        return _of_zip(path, label)
    return [SourceFile(label, lambda: path.open("rb"))] if _is_readable(path.name) else []


def _is_readable(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in READABLE and not name.startswith(".")


def _of_zip(path: Path, label: str) -> list[SourceFile]:
    try:
        with zipfile.ZipFile(path) as packed:
            entries = sorted((e for e in packed.infolist() if not e.is_dir()), key=lambda e: e.filename)
    except (zipfile.BadZipFile, OSError) as error:
        raise HistoryError(f"{label}: not a readable zip ({error}): get the export again") from None
    for entry in entries:
        member = PurePosixPath(entry.filename)
        if member.is_absolute() or ".." in member.parts or stat.S_ISLNK(entry.external_attr >> 16):
            raise HistoryError(f"{label}: {entry.filename!r} leads out of the zip: this is no export")
        if entry.flag_bits & 1:
            raise HistoryError(f"{label}: {entry.filename} is encrypted: unpack it with its password first")
    if sum(entry.file_size for entry in entries) > MAX_ZIP_BYTES:  # zipfile reads no more of a member than this
        raise HistoryError(f"{label}: unpacks to over {MAX_ZIP_BYTES // 1024**3} GB: this is no export")
    members = [entry.filename for entry in entries if _is_readable(PurePosixPath(entry.filename).name)]
    return [SourceFile(f"{label}/{name}", lambda name=name: _open_member(path, name)) for name in members]  # type: ignore[misc]


def _open_member(path: Path, name: str) -> IO[bytes]:
    with zipfile.ZipFile(path) as packed:  # an open member keeps the file open by itself
        return packed.open(name)
