"""A world that was moved, or restored to another place: Spark's logs have absolute paths, which then lead nowhere.

Two kinds of log name files: `<table>/_spark_metadata`, of the sink that writes a table, and
`checkpoints/<query>/sources`, of the queries that read files. Spark would look for the old place, and stop, or read
other files.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from urllib.parse import quote, unquote, urlparse

from runtime.errors import CheckpointError, naming
from runtime.world import Unit

ENTRY_BEGINS = 'v1\n{"path":"file:'
"""How a log of files begins; the log of a topic's first offsets, in the same place, does not."""
PATH_CHARACTERS = "/~!$&'()*+,;=:@"
"""What Java does not encode in the path of an address, of ASCII."""
MAY_BE_ENCODED = re.compile(r"[\x00-\x9f\s]+")
"""ASCII, control characters and spaces: Java leaves letters of any language as they are."""


def follow_move(unit: Unit) -> int:
    """Write the paths in both kinds of log as they are now; return in how many files they had changed.

    A file is replaced as a whole, so a crash leaves the old or the new one. Raises CheckpointError for a damaged one.
    """
    return sum(_follow(file, unit.root.absolute()) for file in _logs(unit))


def _logs(unit: Unit) -> Iterator[Path]:
    logs = chain(
        unit.lake.glob("*/_spark_metadata/[0-9]*"),
        unit.lake.glob("shadow/*/_spark_metadata/[0-9]*"),
        unit.checkpoints.glob("*/sources/*/[0-9]*"),
        unit.checkpoints.glob("shadow/*/sources/*/[0-9]*"),
    )
    return (file for file in logs if file.read_bytes().startswith(ENTRY_BEGINS.encode()))


def _follow(file: Path, root: Path) -> bool:
    with naming(file, CheckpointError):
        head, *entries = file.read_text().splitlines()
        now = [_with_path_below(root, entry) for entry in entries]
    if now == entries:
        return False
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text("\n".join([head, *now]))
    # Hadoop's checksum of the old content; a file without one is read unchecked
    file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
    partial.replace(file)
    return True


def _with_path_below(root: Path, line: str) -> str:
    """Return an entry with its path in the version `root`; one that was never in a folder of that name as it is."""
    entry = json.loads(line)
    recorded = Path(unquote(urlparse(entry["path"]).path))
    if root.name not in recorded.parts:
        return line
    below = len(recorded.parts) - recorded.parts[::-1].index(root.name)
    path = root.joinpath(*recorded.parts[below:])
    if path == recorded:
        return line
    return json.dumps(entry | {"path": address_of(path)}, separators=(",", ":"), ensure_ascii=False)


def address_of(path: Path) -> str:
    """Return the address of an absolute path as Spark writes it, and compares it: as text.

    >>> address_of(Path("/über & (neu), 100 %/v1"))
    'file:///über%20&%20(neu),%20100%20%25/v1'
    """
    return "file://" + MAY_BE_ENCODED.sub(lambda part: quote(part[0], safe=PATH_CHARACTERS), path.as_posix())
