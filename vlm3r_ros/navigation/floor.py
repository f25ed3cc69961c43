"""How high the floor is, from the points of many keyframes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BIN = 0.02
"""Metres of height that one bin of the histogram holds."""

_SPAN = 6.0  # m above and below the map's origin that are looked at
_BINS = round(2 * _SPAN / BIN)
_PATCH = 0.1  # m: side of the squares of ground
_QUANTILE = 0.25  # of the heights in a square: low, yet above a few points that are wrong
_PEAK = 0.25  # share of the largest support that makes a level a candidate for the floor
_LEAST_PATCHES = 40
_PROMINENCE = 2.0  # of the floor over what is at the heights above it
_ABOVE = slice(5, 15)  # bins above the floor that it is compared with
_HEAD = 0.15  # m: a camera is at least this high above the floor
_WINDOW = np.ones(3)  # bins that a level surface spreads over


class FloorEstimator:
    """The lowest level surface of some size below the camera.

    Heights are counted by squares of ground, one a square and keyframe, not by points: a wall right
    before the camera has many points and covers little ground. Memory is a histogram of fixed size.
    """

    def __init__(self) -> None:
        self._support = np.zeros(_BINS)
        self._sums = np.zeros(_BINS)
        self._highest = -np.inf

    def add(self, points: NDArray[np.float32], camera_height: float) -> None:
        """Counts the points of a keyframe.

        Args:
            points: finite, in the map frame `[N, 3]`, metres.
            camera_height: z of the camera in the map frame, metres.
        """
        # A camera may be lowered, but its floor stays below where it ever was.
        self._highest = max(self._highest, camera_height)
        heights = points[:, 2]
        low = np.abs(heights) < _SPAN
        low &= heights < camera_height - _HEAD
        if not low.any():
            return
        heights = heights[low].astype(np.float64)
        squares = np.floor(points[low, :2] / _PATCH).astype(np.int64)
        squares -= squares.min(0)
        key = squares[:, 0] * (int(squares[:, 1].max()) + 1) + squares[:, 1]
        order = np.lexsort((heights, key))
        _, first, counts = np.unique(key[order], return_index=True, return_counts=True)
        levels = heights[order[first + (counts * _QUANTILE).astype(np.int64)]]
        bins = np.floor((levels + _SPAN) / BIN).astype(np.int64)
        self._support += np.bincount(bins, minlength=_BINS)
        self._sums += np.bincount(bins, levels, minlength=_BINS)

    @property
    def height(self) -> float | None:
        """Height (map z) of the floor in metres; None until enough of one was seen."""
        spread = np.convolve(self._support, _WINDOW, mode="same")
        largest = spread.max()
        if largest < _LEAST_PATCHES:
            return None
        lowest = int(np.argmax(spread >= _PEAK * largest))
        # The threshold is passed on the flank: the top is at most a window away.
        peak = lowest + int(np.argmax(spread[lowest : lowest + len(_WINDOW)]))
        around = slice(max(0, peak - 1), peak + 2)
        # A wall has as much at one height as at the next.
        above = self._support[peak + _ABOVE.start : peak + _ABOVE.stop]
        if self._support[around].sum() < _PROMINENCE * len(_WINDOW) * above.mean():
            return None
        return float(self._sums[around].sum() / self._support[around].sum())
