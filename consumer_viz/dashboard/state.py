"""The application's state: index, verdicts, feed, and the thread that keeps the index up to date."""

import logging
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from consumer_viz.dashboard.access.sign_in import SignIn
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.evidence.automatic import AutomaticHolds
from consumer_viz.dashboard.evidence.closed import ClosedHolds
from consumer_viz.dashboard.evidence.honest import HonestBaseline
from consumer_viz.dashboard.evidence.kept_cases import KeptCases
from consumer_viz.dashboard.evidence.shared import SharedReader
from consumer_viz.dashboard.index.accounts import Accounts
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.index.cases import Cases
from consumer_viz.dashboard.index.catalogue import Catalogue
from consumer_viz.dashboard.index.ring_cases import Rings
from consumer_viz.dashboard.index.search import Search
from consumer_viz.feed.counts import SnapshotSource
from models.rules.store import RuleStore
from runtime.monitoring.trouble import Trouble
from runtime.world import World

REFRESH_S = 3.0
"""Seconds between two looks for newly committed files; a look without a new file takes well under a millisecond."""
log = logging.getLogger(__name__)


@dataclass
class AppState:
    """What the pages of one world share. As a context manager it keeps its index up to date."""

    world: World
    zone: ZoneInfo
    """Of the times on the pages."""
    index: CaseIndex
    store: VerdictStore
    sign_in: SignIn
    feed: SnapshotSource | None = None
    """The counts of the topics; None where nobody reads them."""
    trouble: str = ""
    """Why the last refresh failed, in one line; empty when all is well."""
    troubles: tuple[Trouble, ...] = ()
    """Of the threads that send to topics and to the webhook."""
    is_filling: bool = True
    """Whether the lake is being read for the first time."""
    cases: Cases = field(init=False)
    accounts: Accounts = field(init=False)
    rings: Rings = field(init=False)
    search: Search = field(init=False)
    catalogue: Catalogue = field(init=False)
    shared: SharedReader = field(init=False, default_factory=SharedReader)
    honest: HonestBaseline = field(init=False)
    rules: RuleStore = field(init=False)
    automatic: AutomaticHolds = field(init=False)
    closed: ClosedHolds = field(init=False)
    kept: KeptCases = field(init=False)

    def __post_init__(self) -> None:
        self.cases = Cases(self.index, self.store)
        self.accounts = Accounts(self.cases)
        self.rings = Rings(self.cases)
        self.catalogue = Catalogue(self.cases)
        self.search = Search(self.cases)
        self.honest = HonestBaseline(self.cases)
        self.rules = RuleStore(self.world.rules)
        self.automatic = AutomaticHolds(self.index, self.store)
        self.closed = ClosedHolds(self.cases)
        self.kept = KeptCases(self.cases)
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
        """Read what is new in the lake. A failure is shown on the pages, and the next refresh tries again."""
        try:
            self.index.refresh()
            self.kept.add()
            self.automatic.sweep()
            self.closed.sweep()
            self.trouble = ""
        except Exception as error:  # whatever it is, the pages must not stay as they are until the next start
            trouble = f"the lake could not be read ({type(error).__name__}): the pages show what was read before"
            if trouble != self.trouble:
                log.warning("%s: %s", trouble, error)
            self.trouble = trouble
        self.is_filling = False

    def _run(self) -> None:
        self.refresh()
        while not self._stop.wait(REFRESH_S):
            self.refresh()
