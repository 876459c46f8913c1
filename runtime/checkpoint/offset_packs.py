"""Copies of offset files of old micro-batches, packed: their number grows with the logarithm of the micro-batches."""

import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from runtime.errors import CheckpointError, naming
from runtime.lake.sink_tables import numbered_files

PACK, PACKED_AT_ONCE = ".zip", 100
"""Copies of offset files that are packed into one file: a day at triggers of 1 second has 86,400."""
PACKS_AT_ONCE = 10
"""Packs of a size that become one of the next size."""
UNPACKED = 150
"""Copies that are not packed: Spark still has some of them, and would have them copied again."""


def pack_offsets(folder: Path) -> int:
    """Put the oldest copies in a query's folder into one file, where there are many; return how many.

    Raises CheckpointError where an earlier one of these files is damaged.
    """
    copies = numbered_files(folder)
    oldest = sorted(copies)[:-UNPACKED]
    if len(oldest) < PACKED_AT_ONCE:
        return 0
    _write_pack(folder, {number: copies[number] for number in oldest})
    for number in oldest:  # a crash before leaves them there twice, with the same content
        copies[number].unlink()
    _join_packs(folder)
    return len(oldest)


def packed_files(folder: Path) -> dict[int, zipfile.Path]:
    """Name the copies in the packs of a folder by micro-batch. Raises CheckpointError where a pack is damaged."""
    return _content(folder.glob(f"*{PACK}"))


def _content(packs: Iterable[Path]) -> dict[int, zipfile.Path]:
    files: dict[int, zipfile.Path] = {}
    for pack in packs:
        with naming(pack, CheckpointError):  # of its directory, once
            files |= {int(file.name): file for file in zipfile.Path(pack).iterdir()}
    return files


def _join_packs(folder: Path) -> None:
    """Join packs where there are PACKS_AT_ONCE of a size."""
    by_size: dict[int, list[Path]] = defaultdict(list)
    for pack in folder.glob(f"*{PACK}"):
        with naming(pack, CheckpointError), zipfile.ZipFile(pack) as content:
            by_size[_size_class(len(content.namelist()))].append(pack)
    for _, packs in sorted(by_size.items()):
        if len(packs) >= PACKS_AT_ONCE:
            joined = _write_pack(folder, _content(packs))
            for pack in packs:
                if pack != joined:
                    pack.unlink()


def _size_class(offsets: int) -> int:
    """Number the sizes of packs.

    >>> _size_class(100), _size_class(999), _size_class(1000), _size_class(12_000)
    (0, 0, 1, 2)
    """
    size = 0
    while offsets >= PACKED_AT_ONCE * PACKS_AT_ONCE ** (size + 1):
        size += 1
    return size


def _write_pack(folder: Path, files: Mapping[int, Path | zipfile.Path]) -> Path:
    """Write offset files, by micro-batch, into one file. The whole of it appears at once."""
    pack = folder / f"{min(files)}-{max(files)}{PACK}"
    partial = pack.with_name(f".{pack.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as content:
        for number in sorted(files):
            with naming(files[number], CheckpointError):
                copy = files[number].read_bytes()
            content.writestr(str(number), copy)
    partial.replace(pack)
    return pack
