"""Ways over cells made into few straight lines that cost no more."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.grid_path import densified, tightened

_PASSES = 2  # an even number: each turns the way round
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
    for _ in range(_PASSES):
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
def _price_at(prices, row, column):  # type: ignore[no-untyped-def]
    return prices[int(row + 0.5), int(column + 0.5)]


@numba.njit(cache=True)
def _costs_at_most(prices, start, end, most):  # type: ignore[no-untyped-def]
    """Whether a straight line can be walked on all along, for no more than that."""
    down, right = end[0] - start[0], end[1] - start[1]
    length = np.sqrt(down * down + right * right)
    samples = int(np.ceil(_SAMPLES_PER_CELL * length)) + 1
    left = most / length * samples if length > 0 else np.inf
    for index in range(samples):
        share = (index + 0.5) / samples
        price = _price_at(prices, start[0] + share * down, start[1] + share * right)
        left -= price
        if price <= 0 or left < 0:
            return False
    return True


@numba.njit(cache=True)
def _spent(prices, way):  # type: ignore[no-untyped-def]
    """What a way costs up to each of its places `[K]`, which are a cell apart at most.

    Where it cuts the corner of a blocked cell, it counts as cheap: such a piece is left alone.
    """
    spent = np.zeros(len(way))
    for index in range(1, len(way)):
        start, end = way[index - 1], way[index]
        total = 0.0
        for share in (0.125, 0.375, 0.625, 0.875):
            place = start + share * (end - start)
            total += max(_price_at(prices, place[0], place[1]), 0.0)
        length = np.sqrt(np.square(end - start).sum())
        spent[index] = spent[index - 1] + total / 4 * length
    return spent


@numba.njit(cache=True)
def _no_dearer(prices, way):  # type: ignore[no-untyped-def]
    """Which places of a way `[K, 2]` are left: each is joined to the farthest that is worth it."""
    spent = _spent(prices, way)
    kept = np.empty(len(way), np.int64)
    kept[0] = 0
    count = 1
    here = 0
    while here < len(way) - 1:
        ahead = len(way) - 1
        while ahead > here + 1 and not _costs_at_most(
            prices, way[here], way[ahead], spent[ahead] - spent[here] + _ROUNDING
        ):
            ahead -= 1
        kept[count] = ahead
        count += 1
        here = ahead
    return kept[:count]
