"""Cheapest ways over a grid of prices, from one cell to all others."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

_NOWHERE = -1
_DIAGONAL = np.sqrt(2.0)


@dataclass(frozen=True, eq=False)
class CheapestWays:
    """The cheapest ways from one cell.

    Attributes:
        costs: of the way to each cell `[H, W]`; infinite where none leads.
        before: flat index of the cell before each on its way `[H, W]`; -1 for the first cell and
            for those that cannot be reached.
    """

    costs: NDArray[np.float64]
    before: NDArray[np.int32]

    def way_to(self, goal: tuple[int, int]) -> NDArray[np.int64]:
        """Cells from the first to a goal `[K, 2]`; `[0, 2]` where no way leads."""
        width = self.costs.shape[1]
        cells = []
        if np.isfinite(self.costs[goal]):
            at = goal[0] * width + goal[1]
            while at != _NOWHERE:
                cells.append(at)
                at = int(self.before.flat[at])
        flat = np.array(cells[::-1], np.int64)
        return np.stack([flat // width, flat % width], -1)


def cheapest_ways(prices: NDArray[np.float64], start: tuple[int, int]) -> CheapestWays:
    """The cheapest 8-connected ways from a cell to all others.

    A step costs its length in cells, times the mean price of the two cells.

    Args:
        prices: of a cell's width in each cell `[H, W]`; one cannot go where they are not positive
            or not finite.
        start: where to begin.
    """
    passable = np.isfinite(prices) & (prices > 0)
    if not passable[start]:
        costs = np.full(prices.shape, np.inf)
        return CheapestWays(costs, np.full(prices.shape, _NOWHERE, np.int32))
    # A ring of cells where nobody can go spares the search all questions of borders.
    height, width = prices.shape
    ringed = np.zeros((height + 2, width + 2))
    ringed[1:-1, 1:-1] = np.where(passable, prices, 0.0)
    present = prices[passable]
    cheapest, dearest = float(present.min()), float(present.max())
    first = (start[0] + 1) * (width + 2) + start[1] + 1
    costs, steps = _search(ringed.ravel(), width + 2, first, cheapest, dearest)
    steps = steps.reshape(ringed.shape)[1:-1, 1:-1]
    rows, columns = np.divmod(np.arange(9, dtype=np.int32), 3)
    backwards = -((rows - 1) * width + columns - 1)  # by step; a step to nowhere is the middle one
    before = np.arange(height * width, dtype=np.int32).reshape(height, width) + backwards[steps]
    before[steps == 4] = _NOWHERE
    return CheapestWays(costs.reshape(ringed.shape)[1:-1, 1:-1].copy(), before)


@numba.njit(cache=True)
def _search(prices, width, start, cheapest, dearest):  # type: ignore[no-untyped-def]
    """Dijkstra's search; cells wait in buckets as wide as the cheapest step.

    No step within a bucket can make another cell of it cheaper, so that the order within does not
    matter and no heap is needed. Buckets are linked lists, used in turn.

    Args:
        prices: flat, 0 where one cannot go, all around the border too.
        width: cells of a row.
        start: flat index.
        cheapest: least positive price.
        dearest: greatest price.

    Returns:
        Costs, and the step that led to each cell: 3 * (down + 1) + right + 1.
    """
    offsets = np.array([-width - 1, -width, -width + 1, -1, 0, 1, width - 1, width, width + 1])
    halves = 0.5 * np.array([_DIAGONAL, 1.0, _DIAGONAL, 1.0, 0.0, 1.0, _DIAGONAL, 1.0, _DIAGONAL])
    costs = np.full(prices.size, np.inf)
    steps = np.full(prices.size, 4, np.uint8)
    buckets = int(_DIAGONAL * dearest / cheapest) + 3
    heads = np.full(buckets, -1, np.int32)
    after = np.full(prices.size, -1, np.int32)
    before = np.full(prices.size, -1, np.int32)
    costs[start] = 0.0
    heads[0] = start
    waiting = 1
    bucket = 0
    while waiting:
        slot = bucket % buckets
        while heads[slot] >= 0:
            here = heads[slot]
            heads[slot] = after[here]
            if after[here] >= 0:
                before[after[here]] = -1
            waiting -= 1
            for step in range(9):
                there = here + offsets[step]
                if step == 4 or prices[there] == 0.0:
                    continue
                cost = costs[here] + halves[step] * (prices[here] + prices[there])
                old = costs[there]
                if cost >= old:
                    continue
                new_slot = int(cost / cheapest) % buckets
                if old < np.inf:
                    if int(old / cheapest) <= bucket:
                        continue  # done already; by rounding alone this seems cheaper
                    # Out of the bucket that it waits in.
                    if before[there] >= 0:
                        after[before[there]] = after[there]
                    else:
                        heads[int(old / cheapest) % buckets] = after[there]
                    if after[there] >= 0:
                        before[after[there]] = before[there]
                    waiting -= 1
                costs[there] = cost
                steps[there] = step
                after[there] = heads[new_slot]
                before[there] = -1
                if heads[new_slot] >= 0:
                    before[heads[new_slot]] = there
                heads[new_slot] = there
                waiting += 1
        bucket += 1
    return costs, steps
