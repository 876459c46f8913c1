"""Which faults to inject, as the command line gives them."""

from dataclasses import dataclass

from contracts.domain import MUSIC
from producer.errors import ReplayError
from runtime.world import World

WATERMARK_DELAY_MINUTES = 1.0
"""The job's watermark is a minute behind the newest event_time: a row that is held back for less is not late."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults to inject; none by default. Shares are of rows, `duplicate_share` is of batches.

    Raises ReplayError where a share is not from 0 to 1, where late and bad rows together are more than all rows, or
    where late rows would not be late.
    """

    late_share: float = 0.0
    late_by_minutes: float = 10.0
    """A late row goes with the first batch whose clock is this far past it, or with the flush."""
    duplicate_share: float = 0.0
    corrupt_share: float = 0.0
    """Half of these rows are spoilt one by one, half are in messages that are cut off."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("late_share", "duplicate_share", "corrupt_share"):
            if not 0 <= getattr(self, name) <= 1:
                option = name.replace("_", "-")
                raise ReplayError(f"--{option} is {getattr(self, name)}: expected a share from 0 to 1")
        if self.late_share + self.corrupt_share > 1:
            raise ReplayError("--late-share and --corrupt-share together are over 1: a row has one fault at most")
        if self.late_by_minutes <= WATERMARK_DELAY_MINUTES:
            raise ReplayError(f"--late-by is {self.late_by_minutes} min: expected over 1, the watermark's delay")

    @property
    def any(self) -> bool:
        """Whether there is anything to inject."""
        return self.late_share + self.duplicate_share + self.corrupt_share > 0

    def check(self, world: World) -> None:
        """Raise ReplayError where faults are to be injected into a world whose rows travel unchanged."""
        if self.any and world.domain != MUSIC:
            raise ReplayError(
                f"rows of world {world.name}, a {world.domain.name}, are sent once and unchanged: leave out "
                f"--late-share, --duplicate-share and --corrupt-share"
            )
