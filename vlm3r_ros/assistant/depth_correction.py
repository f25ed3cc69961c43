"""What landmarks say about a depth map between and beyond them.

A network's depth is off by shares, and by about the same share in neighbouring pixels of one
surface. So the logarithm of the correction is taken for a Gaussian process (Rasmussen and Williams,
2006): one part all pixels have in common, one goes with the logarithm of the depth (near things too
far, far things too near), and one with the place in the image and the surface.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.assistant.pose_solving import FloatArray

# Standard deviations of the logarithm of a correction.
_COMMON = 1.0
_BY_LOG_DEPTH = 0.1  # for a depth that is e times as large
_LOCAL = 0.2
_NOISE = 0.1  # of a landmark, beside its own uncertainty: edges of things are blurred
_REACH = 0.15  # of the map's width, over which corrections stay alike
_SURFACE = 0.2  # of the logarithm of the depth, over which they do
_MOST = 0.6  # by which a landmark's correction may differ from the median
_STRIDE = 2  # one in so many pixels along each side is computed
_NEAREST = 0.1  # metres


def depth_correction(
    depth: NDArray[np.float32], pixels: FloatArray, known: FloatArray, variance: FloatArray
) -> NDArray[np.float32]:
    """How many times as far things are as a depth map has them.

    Args:
        depth: `[h, w]`, metres.
        pixels: `[N, 2]`, x and y of landmarks in it, all of them inside.
        known: `[N]`, their depth, metres, above 0; at least one.
        variance: `[N]`, of its logarithm.

    Returns:
        `[h, w]`
    """
    height, width = depth.shape
    reach = np.float32(_REACH * width)
    log_depth = np.log(np.maximum(depth, _NEAREST))
    columns, rows = np.round(pixels).astype(int).T
    here = log_depth[rows, columns]
    change = np.log(known) - here
    middle = np.median(change)
    change = middle + np.clip(change - middle, -_MOST, _MOST)
    # Two coordinates of the place and one of the surface, each in units of its reach.
    marks = np.column_stack([pixels / reach, here / _SURFACE]).astype(np.float32)
    y, x = np.mgrid[0:height:_STRIDE, 0:width:_STRIDE]
    there = log_depth[::_STRIDE, ::_STRIDE]
    places = np.stack([x / reach, y / reach, there / _SURFACE], -1, dtype=np.float32)
    covariance = _covariance(marks, marks) + np.diag(variance + _NOISE**2)
    weights = np.linalg.solve(covariance, change - middle).astype(np.float32)
    found = _covariance(places.reshape(-1, 3), marks) @ weights
    found = found.reshape(there.shape) + np.float32(middle)
    return np.exp(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR))


def _covariance(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """`[M, 3]`, `[N, 3]` -> `[M, N]`."""
    squares = np.square(first).sum(1)[:, None] + np.square(second).sum(1) - 2 * first @ second.T
    offset = second[:, 2].mean()
    slopes = (first[:, 2] - offset)[:, None] * (second[:, 2] - offset)
    local = np.float32(_LOCAL**2) * np.exp(-squares / 2)
    return local + np.float32(_COMMON**2) + np.float32((_BY_LOG_DEPTH * _SURFACE) ** 2) * slopes
