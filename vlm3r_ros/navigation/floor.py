"""How high the floor is, from the points of many keyframes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BIN = 0.02
"""Metres of height that one bin of the histogram holds."""

_SPAN = 6.0  # m above and below the map's origin that are looked at
_BINS = round(2 * _SPAN / BIN)
_PATCH = 0.1  # m: side of the squares that count once a keyframe and bin
_PEAK = 0.25  # share of the largest support that makes a level a candidate for the floor
_LEAST_PATCHES = 40
_PROMINENCE = 3.0  # of the floor over the mean of the heights up to the camera
_HEAD = 0.15  # m: a camera is at least this high above the floor
_WINDOW = np.ones(3)  # bins that a level surface spreads over


class FloorEstimator:
    """The lowest level surface of some size below the camera.

    Heights are counted by squares of ground, not by points: a wall right before the camera has many
    points and covers little ground. Memory is a histogram of fixed size.
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
        heights = heights[low]
        bins = np.floor((heights + _SPAN) / BIN).astype(np.int64)
        squares = np.floor(points[low, :2] / _PATCH).astype(np.int64)
        squares -= squares.min(0)
        width = int(squares[:, 1].max()) + 1
        key = (squares[:, 0] * width + squares[:, 1]) * _BINS + bins
        _, first = np.unique(key, return_index=True)
        self._support += np.bincount(bins[first], minlength=_BINS)
        self._sums += np.bincount(bins[first], heights[first], minlength=_BINS)

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
        # A wall has as much at one height as at another.
        levels = max(1, round((self._highest - _HEAD + _SPAN) / BIN) - peak)
        others = (self._support.sum() - self._support[around].sum()) / levels
        if self._support[around].sum() < _PROMINENCE * len(_WINDOW) * others:
            return None
        return float(self._sums[around].sum() / self._support[around].sum())
