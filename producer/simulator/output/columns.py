"""Columns on their way to a file: codes with the words they stand for, values, or ids. Text only where it is short."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Coded:
    """A column as codes and the words they stand for; -1 is null."""

    codes: NDArray[Any]
    words: pa.StringArray

    def at(self, places: NDArray[np.integer]) -> "Coded":
        """Return the elements at some places."""
        return Coded(self.codes.take(places), self.words)

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Plain:
    """A column of values that are what they are: ms, ms since the epoch, or booleans."""

    values: NDArray[Any]

    def at(self, places: NDArray[np.integer]) -> "Plain":
        return Plain(self.values.take(places))

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Digits:
    """A column of ids, all different: their hex digits, 16 each, one after another."""

    text: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.text) // ID_DIGITS


ID_DIGITS = 16
Column = Coded | Plain | Digits
