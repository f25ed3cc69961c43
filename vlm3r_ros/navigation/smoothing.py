"""Ways over cells made into few straight lines that cost no more."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.grid_path import densified, tightened

_ROUNDS = 4
_SAMPLES_PER_CELL = 4.0
_ROUNDING = 1e-6  # by which a line may seem dearer than a way that it lies on


def smoothed(prices: NDArray[np.float64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Corners of a way over cells, with straight lines between them.

    First each stretch of one price is pulled tight by itself, so that no corner is cut over cells
    that the way went round. Then lines replace what they are no dearer than, whatever the prices.

    Args:
        prices: of a cell's width in each cell `[H, W]`; one cannot go where they are not positive.
        cells: the way `[K, 2]`, each a neighbour of the one before.

    Returns:
        `[<= K, 2]`, from the way's first cell to its last.
    """
    way = _pulled_by_stretches(prices, cells)
    for _ in range(_ROUNDS):
        # Pulled from either end, between corners too, bends move to where they ought to be.
        way = densified(way)[::-1].copy()
        way = way[_no_dearer(prices, way)]
    return way


def _pulled_by_stretches(
    prices: NDArray[np.float64], cells: NDArray[np.int64]
) -> NDArray[np.float64]:
    way = cells.astype(np.float64)
    own = prices[cells[:, 0], cells[:, 1]]
    borders = np.flatnonzero(np.diff(own)) + 1
    corners = [way[:1]]
    for first, last in zip([0, *borders], [*borders, len(way) - 1], strict=True):
        if last == first:
            continue
        dearest = own[first : last + 1].max()
        allowed = (prices > 0) & (prices <= dearest)
        corners.append(tightened(allowed, way[first : last + 1])[1:])
    return np.concatenate(corners)


@numba.njit(cache=True)
def _line(prices, row, column, to_row, to_column):  # type: ignore[no-untyped-def]
    """What a straight line costs where it can be walked on, and whether it can be all along."""
    down, right = to_row - row, to_column - column
    length = np.sqrt(down * down + right * right)
    samples = int(np.ceil(_SAMPLES_PER_CELL * length)) + 1
    total = 0.0
    clear = True
    for index in range(samples):
        share = (index + 0.5) / samples
        price = prices[int(row + share * down + 0.5), int(column + share * right + 0.5)]
        if price > 0:
            total += price
        else:
            clear = False
    return total / samples * length, clear


@numba.njit(cache=True)
def _no_dearer(prices, way):  # type: ignore[no-untyped-def]
    """Which places of a way `[K, 2]` are left: each is joined to the farthest that is worth it."""
    spent = np.zeros(len(way))
    for index in range(1, len(way)):
        # Where the way cuts a blocked cell's corner, that piece counts as cheap: it is left alone.
        price, _ = _line(prices, way[index - 1, 0], way[index - 1, 1], way[index, 0], way[index, 1])
        spent[index] = spent[index - 1] + price
    kept = np.empty(len(way), np.int64)
    kept[0] = 0
    count = 1
    here = 0
    while here < len(way) - 1:
        ahead = len(way) - 1
        while ahead > here + 1:
            price, clear = _line(prices, way[here, 0], way[here, 1], way[ahead, 0], way[ahead, 1])
            if clear and price <= spent[ahead] - spent[here] + _ROUNDING:
                break
            ahead -= 1
        kept[count] = ahead
        count += 1
        here = ahead
    return kept[:count]
