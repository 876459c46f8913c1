"""The zip of a saved PipelineModel: pack it with the same bytes for the same model, and unpack it without trusting it.

Layout, as Spark saves it, at the top of the zip or in a folder: `metadata/part-…`, `stages/<i>_<uid>/metadata/part-…`
and, for a stage that has data, `stages/<i>_<uid>/data/part-…` (`model/` for XGBoost; `treesMetadata/` for forests).
A stage that is itself a pipeline has `stages` of its own.
"""

import io
import json
import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from models.errors import ModelError

MAX_BYTES = 256 * 1024 * 1024
"""Bytes that an artefact may unpack to at most, so that a zip bomb is refused. The shipped model has under 1 MB."""
MAX_FILES = 2000
"""A stage of MLlib has eight files: two folders, each with a part, its mark of success and their two checksums."""

_FOLDER = "pipeline_model"
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the zip format knows no earlier date
_PART = r"part-\d{5}[\w.-]*"
_FILE = rf"({_PART}|_SUCCESS|\._SUCCESS\.crc|\.{_PART}\.crc)"
_MEMBER = re.compile(rf"(stages/\d+_\w+/)*(metadata|model|data|treesMetadata)/{_FILE}", re.ASCII)
_TOP = re.compile(rf"((?:(?!stages/)[^/]+/)*)metadata/{_PART}")
_OF_A_MAC = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$)")
"""What the Finder adds to a zip; nothing reads it, and it is not unpacked."""
_UID = re.compile(r"_[0-9a-f]{12}$")


def read_members(name: str, content: bytes) -> dict[str, bytes]:
    """Read the files of a zipped PipelineModel: path below the model's folder -> bytes.

    `name` is for messages. `content` is bytes and not a path, so that the bytes that were hashed are those unpacked.
    Raises ModelError on absolute paths, `..`, links, duplicates, files outside the layout above, and more than
    MAX_BYTES. The size is counted while unpacking, because the sizes in a zip's headers can be wrong.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return _read_all(name, packed)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise ModelError(f"{name}: not a readable zip ({error})") from None


def _read_all(name: str, packed: zipfile.ZipFile) -> dict[str, bytes]:
    entries = [e for e in packed.infolist() if not e.is_dir() and not _OF_A_MAC.search(e.filename)]
    if len(entries) > MAX_FILES:
        raise ModelError(f"{name}: {len(entries)} files, expected at most {MAX_FILES}")
    top = _top_folder(name, entries)
    members: dict[str, bytes] = {}
    remaining_bytes = MAX_BYTES
    for entry in entries:
        member = _safe_name(name, entry, top)
        if member in members:
            raise ModelError(f"{name}: {member} is in it twice")
        with packed.open(entry) as stream:
            members[member] = stream.read(remaining_bytes + 1)
        remaining_bytes -= len(members[member])
        if remaining_bytes < 0:
            raise ModelError(f"{name}: unpacks to over {MAX_BYTES // 1024**2} MB")
    return members


def _top_folder(name: str, entries: list[zipfile.ZipInfo]) -> str:
    """Return the folder of the pipeline in the zip, "" or ending in a slash: where the least deep metadata is."""
    tops = [match[1] for entry in entries if (match := _TOP.fullmatch(entry.filename))]
    if not tops:
        raise ModelError(
            f"{name}: no metadata/part-… in it, expected the zip of a saved PipelineModel: zip the folder that its "
            "save() wrote, with metadata and stages"
        )
    return min(tops, key=lambda top: top.count("/"))


def _safe_name(name: str, entry: zipfile.ZipInfo, top: str) -> str:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts:
        raise ModelError(f"{name}: {entry.filename!r} leads out of the model's folder")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ModelError(f"{name}: {entry.filename!r} is a link, expected plain files")
    member = entry.filename.removeprefix(top)
    if _MEMBER.fullmatch(member) is None:
        raise ModelError(f"{name}: {entry.filename!r} is not a file of a saved PipelineModel")
    return member


def write_members(members: dict[str, bytes], folder: Path) -> None:
    """Write files (path below the model's folder -> bytes) below `folder`."""
    for name, content in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def pack(saved: Path, archive: Path) -> None:
    """Zip a PipelineModel that Spark saved in `saved`, so that the same model gives the same bytes.

    Spark writes the time into every metadata file, random endings onto stage uids and part files, and checksum files
    next to them. Loading needs none of these, so they are set to fixed values or left out.
    """
    renamed: dict[str, str] = {}
    for metadata in sorted(saved.glob("stages/*/metadata/part-*")):
        uid = json.loads(metadata.read_text())["uid"]
        renamed[uid] = _UID.sub(f"_{len(renamed)}", uid)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(saved.rglob("part-*")):
            parts = path.relative_to(saved).with_name(re.match(r"part-\d{5}", path.name)[0])  # type: ignore[index]
            name, content = parts.as_posix(), path.read_bytes()
            if path.parent.name == "metadata":
                content = _fix_metadata(content.decode(), renamed).encode()
            for old, new in renamed.items():
                name = name.replace(old, new)
            entry = zipfile.ZipInfo(f"{_FOLDER}/{name}", _EARLIEST)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, content)


def _fix_metadata(metadata: str, renamed: dict[str, str]) -> str:
    """Set the time to 0, replace random uids, and sort the keys: the JVM's maps have no order."""
    for old, new in renamed.items():
        metadata = metadata.replace(old, new)
    content = json.loads(metadata)
    content["timestamp"] = 0
    content["uid"] = _UID.sub("", content["uid"])
    return json.dumps(content, separators=(",", ":"), sort_keys=True)
