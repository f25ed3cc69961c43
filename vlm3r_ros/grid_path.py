"""Shortest ways over a grid of free cells.

Places are `(row, column)` in units of cells; a whole number is a cell's centre.
"""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray
from skimage.graph import MCP_Geometric

_SAMPLES_PER_CELL = 2.0


def grid_path(
    free: NDArray[np.bool_], start: tuple[int, int], goal: tuple[int, int]
) -> NDArray[np.intp]:
    """A shortest 8-connected way over free cells `[H, W]`.

    Args:
        free: where one can go.
        start: a free cell.
        goal: a free cell.

    Returns:
        Cells from start to goal `[K, 2]`; `[0, 2]` where there is no way.
    """
    search = MCP_Geometric(np.where(free, 1.0, -1.0))  # negative costs are impassable
    costs, _ = search.find_costs([start], [goal])
    if not np.isfinite(costs[goal]):
        return np.empty((0, 2), np.intp)
    return np.array(search.traceback(goal), np.intp)


@numba.njit(cache=True)
def _line_is_clear(free, row, column, to_row, to_column):  # type: ignore[no-untyped-def]
    down, right = to_row - row, to_column - column
    samples = int(np.ceil(_SAMPLES_PER_CELL * np.sqrt(down * down + right * right))) + 1
    for index in range(samples + 1):
        share = index / samples
        if not free[int(row + share * down + 0.5), int(column + share * right + 0.5)]:
            return False
    return True


@numba.njit(cache=True)
def pull_tight(free: NDArray[np.bool_], way: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which places of a way `[K, 2]` are left where it is pulled like a string: `[<= K]`.

    Each place that is kept is joined to the farthest later one that a straight line reaches.
    """
    kept = np.empty(len(way), np.int64)
    kept[0] = 0
    count = 1
    here = 0
    while here < len(way) - 1:
        ahead = len(way) - 1
        while ahead > here + 1 and not _line_is_clear(
            free, way[here, 0], way[here, 1], way[ahead, 0], way[ahead, 1]
        ):
            ahead -= 1
        kept[count] = ahead
        count += 1
        here = ahead
    return kept[:count]


def tightened(free: NDArray[np.bool_], way: NDArray[np.float64]) -> NDArray[np.float64]:
    """A way over free cells pulled like a string: corners with straight lines between them.

    Args:
        free: where one can go `[H, W]`.
        way: places `[K, 2]`, no two farther apart than a cell's diagonal.

    Returns:
        `[<= K, 2]`, from the way's first place to its last.
    """
    way = way[pull_tight(free, way)]
    for _ in range(2):
        # Pulled from either end, between corners too, bends move to where they ought to be.
        way = densified(way)[::-1].copy()
        way = way[pull_tight(free, way)]
    return way


def densified(way: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same way with a place at least every cell."""
    parts = [
        np.linspace(start, end, max(2, int(np.ceil(np.linalg.norm(end - start))) + 1))[:-1]
        for start, end in pairwise(way)
    ]
    return np.concatenate([*parts, way[-1:]])
