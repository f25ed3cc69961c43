"""Shortest ways over a grid of free cells, compiled.

Places are `(row, column)` in units of cells; a whole number is a cell's centre.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

# Whole-number costs of a step along and across a cell let a ring of buckets stand in for a heap;
# 17/12 is sqrt(2) to 0.2 %.
_STRAIGHT, _DIAGONAL = 12, 17
_BUCKETS = _DIAGONAL + 1
_UNREACHED = np.iinfo(np.int32).max
_SAMPLES_PER_CELL = 2.0


def grid_path(
    free: NDArray[np.bool_], start: tuple[int, int], goal: tuple[int, int]
) -> NDArray[np.intp]:
    """A shortest 8-connected way; it never squeezes between two corners.

    Args:
        free: `[H, W]`; the outermost ring of cells must not be free.
        start: a free cell.
        goal: a free cell.

    Returns:
        Cells from start to goal `[K, 2]`; `[0, 2]` where there is no way.
    """
    width = free.shape[1]
    first, last = (int(row * width + column) for row, column in (start, goal))
    # Straight steps first; a diagonal one is the sum of the two beside it.
    steps = np.array([-1, 1, -width, width, -width - 1, -width + 1, width - 1, width + 1])
    cost = np.full(free.size, _UNREACHED, np.int32)
    came_by = np.zeros(free.size, np.int8)
    # A cell enters the queue anew whenever a cheaper way to it is found: at most once a neighbour.
    queue = np.empty((2, 8 * free.size + 1), np.int32)
    heads = np.full(_BUCKETS, -1, np.int32)
    _spread(free.ravel(), steps, first, last, cost, came_by, queue[0], queue[1], heads)
    if cost[last] == _UNREACHED:
        return np.empty((0, 2), np.intp)
    cells = [last]
    while cells[-1] != first:
        cells.append(cells[-1] - int(steps[came_by[cells[-1]]]))
    return np.stack(np.divmod(cells[::-1], width), -1)


@numba.njit(cache=True)
def _spread(  # type: ignore[no-untyped-def]
    free, steps, first, last, cost, came_by, queue_cell, queue_next, heads
):
    """Dijkstra's algorithm up to the cell `last`; fills `cost` and `came_by`.

    Bucket `c % len(heads)` is a linked list of the cells reached at cost c, through `queue_next`.
    """
    queue_cell[0] = first
    queue_next[0] = -1
    heads[0] = 0
    cost[first] = 0
    entries, waiting, level = 1, 1, 0
    while waiting > 0 and level < cost[last]:
        entry = heads[level % len(heads)]
        heads[level % len(heads)] = -1
        while entry >= 0:
            waiting -= 1
            cell = queue_cell[entry]
            entry = queue_next[entry]
            if cost[cell] != level:
                continue
            for step in range(8):
                neighbour = cell + steps[step]
                if not free[neighbour]:
                    continue
                reached = level + _STRAIGHT
                if step >= 4:
                    row_step = steps[2] if step < 6 else steps[3]
                    if not (free[cell + row_step] and free[neighbour - row_step]):
                        continue
                    reached = level + _DIAGONAL
                if reached < cost[neighbour]:
                    cost[neighbour] = reached
                    came_by[neighbour] = step
                    queue_cell[entries] = neighbour
                    queue_next[entries] = heads[reached % len(heads)]
                    heads[reached % len(heads)] = entries
                    entries += 1
                    waiting += 1
        level += 1


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
