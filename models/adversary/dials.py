"""What an operator can turn: the parameters of a family, each with its range; one of them sets the volume."""

from dataclasses import dataclass

import numpy as np

from models.errors import ModelError

Params = dict[str, float]
"""Values of a family's parameters by name."""
Positions = dict[str, float]
"""Places of dials between their ends, 0 to 1, by name."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One parameter between `low` and `high`. `is_log`: steps are ratios. `is_whole`: a count."""

    name: str
    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False

    def value(self, position: float) -> float:
        """Return the value at a position from 0 to 1.

        >>> Dial("tracks", 1, 100, is_log=True, is_whole=True).value(0.5)
        10.0
        """
        if self.is_log:
            value = float(self.low * (self.high / self.low) ** position)
        else:
            value = self.low + (self.high - self.low) * position
        return float(round(value)) if self.is_whole else value


@dataclass(frozen=True, slots=True)
class Space:
    """The dials of a family; `volume` is the one that is set so that the budget is delivered."""

    volume: Dial
    dials: tuple[Dial, ...]

    def params(self, positions: Positions) -> Params:
        """Return the values at positions from 0 to 1, by dial."""
        return {dial.name: dial.value(positions[dial.name]) for dial in self.dials}

    def draw(self, rng: np.random.Generator) -> Positions:
        """Draw positions at random."""
        return {dial.name: float(rng.random()) for dial in self.dials}

    def perturb(self, positions: Positions, step: float, rng: np.random.Generator) -> Positions:
        """Move about half of the dials by a normal step, at least one; positions stay within 0 and 1."""
        moved = rng.random(len(self.dials)) < 0.5
        moved[rng.integers(len(self.dials))] = True
        steps = np.where(moved, step * rng.standard_normal(len(self.dials)), 0.0)
        return {
            dial.name: float(np.clip(positions[dial.name] + move, 0, 1))
            for dial, move in zip(self.dials, steps, strict=True)
        }


_CAMPAIGN = (
    Dial("difficulty", 0, 1),
    Dial("accounts", 1, 12, is_log=True, is_whole=True),
    Dial("per_address", 1, 6, is_log=True, is_whole=True),
)
"""How much it behaves as a person where no dial says it; accounts with the same targets; accounts of an address."""
_GAPS = (Dial("human_gaps", 0, 1), Dial("share_cut", 0, 0.5), Dial("heard_s", 31.5, 240, is_log=True))
"""Silences as a person's, made-up skips, and seconds heard at most: the payout is at 30."""
_COVER = Dial("camouflage", 0, 0.97)
"""Share of plays that nobody paid for."""


def _targets(high: float) -> Dial:
    return Dial("tracks", 1, high, is_log=True, is_whole=True)


SPACES: dict[str, Space] = {
    "farm": Space(
        Dial("hours", 0.02, 20, is_log=True),
        (
            *_CAMPAIGN, *_GAPS, _COVER, _targets(400), Dial("from_h", 0, 23), Dial("per_device", 1, 12, is_log=True),
            Dial("hosted", 0, 1), Dial("stretch_min", 5, 300, is_log=True),
        ),
    ),
    "loop30": Space(
        Dial("on_h", 0.02, 21, is_log=True),
        (*_CAMPAIGN, *_GAPS, _COVER, _targets(60), Dial("off_h", 3, 24), Dial("stretch_min", 5, 600, is_log=True)),
    ),
    "low_slow": Space(Dial("sessions_a_day", 0.05, 14, is_log=True), (*_CAMPAIGN, *_GAPS, _COVER, _targets(60))),
    "hidden_target": Space(
        Dial("share", 0.005, 1, is_log=True),
        (
            *_CAMPAIGN, _targets(60), Dial("listed", 20, 2000, is_log=True, is_whole=True), Dial("shift_min", 0, 240),
            Dial("donor", 0, 1),
        ),
    ),
    "agent": Space(
        Dial("sessions_a_day", 0.05, 14, is_log=True),
        (*_CAMPAIGN, *_GAPS, _targets(60), Dial("minutes", 10, 120, is_log=True), Dial("share", 0.03, 1, is_log=True)),
    ),
}  # fmt: skip
"""Dials by family; their ends are choices."""


def space_of(family: str) -> Space:
    """Return the dials of a family. Raises ModelError where it has none."""
    if family not in SPACES:
        raise ModelError(f"no dials for family {family!r}: the adversary knows {', '.join(SPACES)}")
    return SPACES[family]
