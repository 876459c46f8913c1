"""Dials of honest listeners that a scenario may set: a number for everyone, or a distribution to draw each one from.

A dial that is not set draws nothing: the world is the one that the profile gives, to the byte.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.errors import ProducerError
from producer.simulator.draws import Purpose, stream
from producer.simulator.listeners.population import Traits
from producer.simulator.same_math import exp
from runtime.arrays import Floats

RANGES: dict[str, tuple[float, float]] = {
    "mix_sesh": (0.0, 1.0),
    "pop_fan": (0.0, 1.0),
    "sesh_len": (1.0, 500.0),
    "sesh_num": (0.0, 48.0),
    "skip_prob": (0.0, 1.0),
}
"""Dials by name, in the order of the truth table's columns, each with the lowest and highest value. Draws beyond them
are cut. mix_sesh: chance that a session is of several artists. pop_fan: chance that a track is from the popular
catalogue. sesh_len: mean plays of a session. sesh_num: mean sessions of a day. skip_prob: chance that a play is cut."""

_DRAWS: dict[str, tuple[tuple[str, str], Callable[[Generator, int, float, float], Floats]]] = {
    "uniform": (("low", "high"), lambda rng, n, low, high: rng.uniform(low, high, n)),
    "normal": (("mean", "sd"), lambda rng, n, mean, sd: rng.normal(mean, sd, n)),
    "log_normal": (("median", "log_sd"), lambda rng, n, median, sd: median * exp(rng.normal(0, sd, n))),
    "beta": (("a", "b"), lambda rng, n, a, b: rng.beta(a, b, n)),
    "integers": (("low", "high"), lambda rng, n, low, high: rng.integers(int(low), int(high) + 1, n).astype(float)),
}
"""Distributions by name: their two parameters, and how n values are drawn. `integers` includes both ends."""
DISTRIBUTIONS = tuple(_DRAWS)


class DialError(ProducerError):
    """A dial can't be set so; the message names it and what is expected."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One dial as it is set. `parameters` are the distribution's two, in order; of a constant the value."""

    name: str
    distribution: str
    parameters: tuple[float, ...]

    def draw(self, rng: Generator, n: int) -> NDArray[np.float32]:
        """Draw n values, cut to the dial's range."""
        if self.distribution == "constant":
            values: Floats = np.full(n, self.parameters[0])
        else:
            first, second = self.parameters
            values = _DRAWS[self.distribution][1](rng, n, first, second)
        return np.clip(values, *RANGES[self.name]).astype(np.float32)


def parse_dial(name: str, value: object) -> Dial:
    """Read a dial of a scenario file. Raises DialError."""
    if name not in RANGES:
        raise DialError(f"listeners: unknown dial {name!r}; known: {', '.join(RANGES)}")
    low, high = RANGES[name]
    if _is_number(value):
        if not low <= float(value) <= high:  # type: ignore[arg-type]
            raise DialError(f"listeners: {name} is {value}, expected a number from {low:g} to {high:g}")
        return Dial(name, "constant", (float(value),))  # type: ignore[arg-type]
    expected = "a number, or a table with distribution = one of " + ", ".join(DISTRIBUTIONS)
    if not isinstance(value, Mapping):
        raise DialError(f"listeners: {name} is {value!r}, expected {expected}")
    distribution = value.get("distribution")
    if distribution not in _DRAWS:
        raise DialError(f"listeners: {name}: distribution {distribution!r}: expected {expected}")
    wanted = _DRAWS[distribution][0]
    given = [key for key in value if key != "distribution"]
    if sorted(given) != sorted(wanted) or not all(_is_number(value[key]) for key in wanted):
        raise DialError(f"listeners: {name}: {distribution} takes the numbers {' and '.join(wanted)}, not {given}")
    parameters = tuple(float(value[key]) for key in wanted)
    _check(name, distribution, *parameters)
    return Dial(name, distribution, parameters)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _check(name: str, distribution: str, first: float, second: float) -> None:
    low, high = RANGES[name]
    if distribution in ("uniform", "integers"):
        if not low <= first <= second <= high:
            raise DialError(
                f"listeners: {name}: low {first:g}, high {second:g}: expected {low:g} <= low <= high <= {high:g}"
            )
    elif distribution in ("normal", "log_normal"):
        if second < 0 or not low <= first <= high:
            raise DialError(
                f"listeners: {name}: {distribution} {first:g}, {second:g}: expected a middle from {low:g} to {high:g} "
                "and a spread of 0 or more"
            )
    elif min(first, second) <= 0:
        raise DialError(f"listeners: {name}: beta takes a and b over 0, not {first:g} and {second:g}")


def turn_dials(traits: Traits, who: NDArray[np.int64], dials: Mapping[str, Dial], seed: int, block: int) -> None:
    """Set the dials of some accounts of a block (positions in it).

    Each dial has a stream of random numbers of its own: to turn one changes no other draw of the accounts' traits.
    """
    for name, dial in dials.items():
        rng = stream(seed, Purpose.DIALS, block, list(RANGES).index(name))
        values = dial.draw(rng, len(traits.user))[who]
        if name == "mix_sesh":
            traits.mixed[who] = values
        elif name == "pop_fan":
            traits.pop_fan[who] = values
        elif name == "sesh_len":
            traits.sesh_len[who] = values
            traits.session_plays[who] = values
        elif name == "sesh_num":
            traits.sesh_num[who] = values
        else:
            traits.skip_prob[who] = values
