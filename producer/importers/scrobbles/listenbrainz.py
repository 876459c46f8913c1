"""ListenBrainz: the export of a user and the public dumps (CC0), one listen as JSON per line.

`listens/2024/5.jsonl` in the zip of a user, next to `user.json` with the name; `listens/2024/5.listens` in a dump, with
`user_name` or `user_id` in each line; and an older export, one JSON list. A listen is `{listened_at, track_metadata:
{artist_name, track_name, release_name, additional_info}}`. (listenbrainz.readthedocs.io, "Data Dumps" and "JSON
Documentation"; background/export.py of metabrainz/listenbrainz-server.)

`listened_at` is when the playback **began**, Unix seconds. How long it was heard is not in it: `listen_ms` is null and
`event_time` the start. `duration_ms` or `duration` (seconds) of `additional_info` is the length of the track.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import orjson

from contracts.events import PLAYS
from producer.importers.files import SourceFile
from producer.importers.layout import (
    DEFAULT_USER,
    NO_TRACK,
    BadRow,
    Layout,
    Options,
    Row,
    Track,
    each,
    each_line,
    text_of,
)
from producer.importers.times import Moment, parse_moment
from runtime.units import DAY_MS, SECOND_MS

_ACCOUNT = ("user_name", "user_id")
"""Where a dump names the account, the best first."""
_WHOLE_SECONDS = re.compile(r"(\d{9,10})\.0+", re.ASCII)


def recognises(file: SourceFile) -> bool:
    head = file.head.lstrip()
    return head[:1] in ("{", "[") and '"track_metadata"' in head and '"listened_at"' in head


def rows(file: SourceFile, options: Options) -> Iterator[Row | BadRow]:
    if file.head.lstrip().startswith("["):
        listens = file.json_list()
        owner = _owner(file, listens, options)
        return each(listens, lambda listen: read(listen, owner))
    owner = _owner(file, _listens_of(file.head), options)
    return each_line(file, lambda line: read(_parse(line), owner))


def _listens_of(head: str) -> Iterator[Any]:
    """Yield the listens of a file's first lines; the last line may be cut."""
    for line in head.splitlines():
        with suppress(orjson.JSONDecodeError):
            yield orjson.loads(line)


def _owner(file: SourceFile, listens: Iterable[Any], options: Options) -> str | None:
    """Return whose all listens of a file are; None where they say so themselves.

    A `user_name` that a client wrote into `additional_info` names no account.
    """
    has_accounts = any(isinstance(listen, dict) and not listen.keys().isdisjoint(_ACCOUNT) for listen in listens)
    return options.user or (None if has_accounts else _name_of_export(file) or DEFAULT_USER)


def _name_of_export(file: SourceFile) -> str | None:
    """Return the name in `user.json` of the same export; None where there is none."""
    user = file.above("user.json")
    if user is None:
        return None
    try:
        named = orjson.loads(user.head)
    except orjson.JSONDecodeError:
        return None
    return text_of(named.get("username")) if isinstance(named, dict) else None


def _parse(line: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadRow("line: not JSON") from None


def read(listen: Any, owner: str | None) -> Row:
    """Read one listen; `owner` is whose it is, None where the listen says so itself."""
    about = listen.get("track_metadata") if isinstance(listen, dict) else None
    if not isinstance(about, dict):
        raise BadRow("not a listen with track_metadata")
    title = text_of(about.get("track_name"))
    if title is None:
        raise BadRow(NO_TRACK)
    user = owner or next((name for name in map(text_of, map(listen.get, _ACCOUNT)) if name), None)
    if user is None:
        raise BadRow("user_name: empty, in a file that has accounts")
    moment = _moment(listen.get("listened_at"))
    if moment is None:
        raise BadRow("listened_at: no Unix seconds (a track still playing has none)")
    more = about.get("additional_info")
    length = _duration_ms(more if isinstance(more, dict) else {})
    return Row(PLAYS, user, moment.ms, moment.precision_ms, {}, Track(title, text_of(about.get("artist_name")), length))


def _moment(value: Any) -> Moment | None:
    """Read seconds since 1970, whole or with zeros behind the point, or a time as text.

    >>> _moment(1443521965) == _moment(1443521965.0) == _moment("1443521965.000000")
    True
    """
    if isinstance(value, bool):
        return None
    text = _WHOLE_SECONDS.sub(r"\1", str(value))
    moment = parse_moment(text)
    # a listen is dated to the second, whatever the text looks like
    return moment and Moment(moment.ms, max(moment.precision_ms, SECOND_MS))


def _duration_ms(more: Mapping[str, Any]) -> int | None:
    """Return the length of the track in ms; None where it is unknown or no length."""
    for name, unit in (("duration_ms", 1), ("duration", SECOND_MS)):
        value = more.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value * unit < DAY_MS:
            return round(value * unit)
    return None


LAYOUT = Layout("listenbrainz", "ListenBrainz: the zip of a user, or .listens files of a dump", recognises, rows)
