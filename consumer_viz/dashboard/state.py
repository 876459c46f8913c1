"""What the pages share while the program runs: index, verdicts, feed, and the thread that keeps the index fresh."""

import logging
import sqlite3
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import pyarrow as pa

from consumer_viz.dashboard.access.sign_in import Door
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.evidence.honest import Usual
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.index.cases import Cases
from consumer_viz.feed.counts import SnapshotSource
from runtime.world import World

REFRESH_S = 3.0
"""Between two looks for newly committed files; a look that finds nothing costs well under a millisecond."""
log = logging.getLogger(__name__)


@dataclass
class Desk:
    """One world's desk. As a context manager it keeps its index fresh."""

    world: World
    zone: ZoneInfo
    index: CaseIndex
    store: VerdictStore
    door: Door
    feed: SnapshotSource | None = None
    """The topics as they come; None where nobody reads them."""
    trouble: str = ""
    """Why the last refresh failed, in one line; empty when all is well."""
    is_filling: bool = True
    """Whether the first look through the lake is still going on."""
    cases: Cases = field(init=False)
    usual: Usual = field(init=False)

    def __post_init__(self) -> None:
        self.cases = Cases(self.index, self.store)
        self.usual = Usual(self.cases)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(10)

    def refresh(self) -> None:
        """Take in what is new in the lake; what goes wrong is said on the pages and tried again."""
        try:
            self.index.refresh()
            self.trouble = ""
        except (OSError, ValueError, KeyError, pa.ArrowException, sqlite3.Error) as error:
            self.trouble = f"the lake could not be read ({type(error).__name__}): shown as of the last time it could"
            log.warning("%s: %s", self.trouble, error)
        self.is_filling = False

    def _run(self) -> None:
        self.refresh()
        while not self._stop.wait(REFRESH_S):
            self.refresh()
