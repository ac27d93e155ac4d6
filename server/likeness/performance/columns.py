"""Columns: the state of many performers, one array per quantity, growing together."""

from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Rows = slice | NDArray[np.int64]
"""Which performers a step is about: a slice where they lie side by side (no copies), else indices."""

FIRST_CAPACITY: Final = 8


class Columns:
    """Named arrays [capacity, ...]. `fields`: name -> (shape of one row, dtype)."""

    def __init__(self, **fields: tuple[tuple[int, ...], DTypeLike]) -> None:
        self._arrays: dict[str, Array] = {
            name: np.zeros((FIRST_CAPACITY, *shape), dtype) for name, (shape, dtype) in fields.items()
        }
        self._capacity = FIRST_CAPACITY

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def clear(self, row: int) -> None:
        """Make room for `row` and set it to zero."""
        while row >= self._capacity:
            for name, array in self._arrays.items():
                self._arrays[name] = np.concatenate([array, np.zeros_like(array)])
            self._capacity *= 2
        for array in self._arrays.values():
            array[row] = 0


def row_selection(rows: NDArray[np.int64]) -> Rows:
    """A slice where `rows` ascend without gaps, the rows themselves otherwise."""
    count = len(rows)
    if (
        count
        and int(rows[-1]) - int(rows[0]) == count - 1
        and (count == 1 or bool((np.diff(rows) == 1).all()))
    ):
        return slice(int(rows[0]), int(rows[0]) + count)
    return rows


def row_of(rows: Rows, i: int) -> int:
    """The row of the i-th performer of a selection."""
    return rows.start + i if isinstance(rows, slice) else int(rows[i])
