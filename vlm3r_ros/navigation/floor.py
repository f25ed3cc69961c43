"""How high the floor is, from the points of many keyframes.

Learned depth is off by shares: a floor comes out some tenths too near or too far as a whole, a
little differently from each place, and no two of its points at one height. All of that scales with
how high the camera is above the floor. So each keyframe says by itself how far below the camera its
floor is and how much it scatters, on a scale of ratios, and keyframes are compared afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BIN = 0.02
"""Metres of height that one bin of the levels' histogram holds."""

_SPAN = 6.0  # m above and below the map's origin that are looked at
_BINS = round(2 * _SPAN / BIN)
_PATCH = 0.1  # m: side of the squares of ground
_QUANTILE = 0.25  # of the heights in a square: low, yet above a few points that are wrong
_FLAT = 0.2  # share of its depth below the camera that the middle half of a square may span
_RATIO = 0.04  # of depths below the camera, that one bin of a keyframe's histogram holds
_WINDOW = 7  # such bins that a floor may scatter over
_PEAK = 0.5  # share of the largest support that makes a level a candidate for the floor
_LEVEL = 0.25  # share of the largest support that makes a level, of all keyframes, one
_REACH = 12  # bins on either side of a level over which keyframes may differ
_LEAST_PATCHES = 40
_HEAD = 0.15  # m: a camera is at least this high above the floor
_NORMAL = 1.349  # standard deviations of a normal distribution that its middle half spans
_SAME = 0.05  # share of the depth by which keyframes may differ, however well they agree
_OUTLIER = 3.0  # standard deviations from which a level is no sighting of the floor


@dataclass(frozen=True)
class FloorSighting:
    """The floor as one keyframe has it.

    Attributes:
        depth: of the floor below the camera, metres.
        spread: standard deviation of the floor's depths, as a share of `depth`.
        squares: of ground that it covers.
    """

    depth: float
    spread: float
    squares: int


def sight_floor(points: NDArray[np.float32], camera_height: float) -> FloorSighting | None:
    """The lowest level surface of some size below a camera.

    Depths are counted by squares of ground, one a square, not by points: a wall right before the
    camera has many points and covers little ground.

    Args:
        points: finite, in the map frame `[N, 3]`, metres.
        camera_height: z of the camera in the map frame, metres.

    Returns:
        None where there is none.
    """
    depths = _depths_of_squares(points, camera_height)
    if not len(depths):
        return None
    ratios = np.log(depths / _HEAD)
    counts = np.bincount((ratios / _RATIO).astype(np.int64), minlength=_WINDOW)
    support = np.convolve(np.pad(counts, 1), np.ones(_WINDOW), mode="same")
    if support.max() < _LEAST_PATCHES:
        return None
    top = (support[1:-1] >= support[:-2]) & (support[1:-1] >= support[2:])
    top &= support[1:-1] >= _PEAK * support.max()
    lowest = np.flatnonzero(top)[-1]
    near = np.abs(ratios - (lowest + 0.5) * _RATIO) <= _RATIO * _WINDOW / 2
    middle, width = _densest_half(np.sort(ratios[near]))
    return FloorSighting(_HEAD * float(np.exp(middle)), width / _NORMAL, int(near.sum()))


def _depths_of_squares(points: NDArray[np.float32], camera_height: float) -> NDArray[np.float64]:
    """How far below the camera squares of ground are `[S]` that are flat, metres."""
    depths = camera_height - points[:, 2].astype(np.float64)
    below = (depths > _HEAD) & (depths < _SPAN)
    if not below.any():
        return np.zeros(0)
    depths = depths[below]
    squares = np.floor(points[below, :2] / _PATCH).astype(np.int64)
    squares -= squares.min(0)
    key = squares[:, 0] * (int(squares[:, 1].max()) + 1) + squares[:, 1]
    order = np.lexsort((-depths, key))
    _, first, counts = np.unique(key[order], return_index=True, return_counts=True)
    low, high = (
        depths[order[first + (counts * share).astype(np.int64)]]
        for share in (_QUANTILE, 1 - _QUANTILE)
    )
    return low[low - high <= _FLAT * low]


def _densest_half(values: NDArray[np.float64]) -> tuple[float, float]:
    """Middle and width of the shortest stretch that holds half of sorted values `[N]`."""
    count = len(values) // 2 + 1
    widths = values[count - 1 :] - values[: len(values) - count + 1]
    start = int(widths.argmin())
    return float(values[start] + widths[start] / 2), float(widths[start])


class FloorEstimator:
    """What keyframes together say of the floor. Memory is a histogram of fixed size."""

    def __init__(self) -> None:
        self._support = np.zeros(_BINS)
        self._sums = np.zeros(_BINS)
        self._spreads = 0.0

    def add(self, points: NDArray[np.float32], camera_height: float) -> FloorSighting | None:
        """Counts the points of a keyframe.

        Args:
            points: finite, in the map frame `[N, 3]`, metres.
            camera_height: z of the camera in the map frame, metres.

        Returns:
            The floor as this keyframe has it, None where it has none.
        """
        sighting = sight_floor(points, camera_height)
        if sighting is None:
            return None
        level = camera_height - sighting.depth
        if abs(level) < _SPAN:
            place = int((level + _SPAN) / BIN)
            self._support[place] += sighting.squares
            self._sums[place] += sighting.squares * level
            self._spreads += sighting.squares * sighting.spread
        return sighting

    @property
    def height(self) -> float | None:
        """Height (map z) of the floor in metres; None until some of one was seen."""
        if not self._support.any():
            return None
        place = self._quantile(0.5)
        return float(self._sums[place] / self._support[place])

    @property
    def spread(self) -> float:
        """Standard deviation of the floor's depth below the camera within a keyframe, a share."""
        return self._spreads / max(self._support.sum(), 1.0)

    def scale(self, sighting: FloorSighting | None, camera_height: float) -> float:
        """How many times as far from their camera a keyframe's points belong.

        What this keyframe takes for the floor, then is where all of them together have it; 1 where
        it is something else.
        """
        height = self.height
        if sighting is None or height is None:
            return 1.0
        depth = camera_height - height
        deviation = (self._quantile(0.75) - self._quantile(0.25)) * BIN / _NORMAL
        if abs(depth - sighting.depth) > _SAME * depth + _OUTLIER * deviation:
            return 1.0
        return depth / sighting.depth

    def _quantile(self, share: float) -> int:
        """The bin below which a share of the floor's support is.

        Of several levels that have support, such as a floor and a bed, the floor is the lowest.
        """
        around = np.convolve(self._support, np.ones(2 * _REACH + 1), mode="same")
        lowest = int(np.argmax(around >= _LEVEL * around.max()))
        # The threshold is passed on the flank.
        top = lowest + int(np.argmax(around[lowest : lowest + 2 * _REACH + 1]))
        first = max(0, top - _REACH)
        summed = np.cumsum(self._support[first : top + _REACH + 1])
        return first + int(np.searchsorted(summed, share * summed[-1]))
