"""Which points of a frame are published, and their colours."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.assistant.tracking import SceneObservation


def select_points(
    observation: SceneObservation,
    rgb: NDArray[np.uint8],
    min_confidence: float,
    max_points: int,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A frame's pointmap, thinned in rows and columns, without the points that are not sure enough.

    Args:
        observation: an observation with points.
        rgb: uint8 `[H', W', 3]`, the frame it was made from, of any size.
        min_confidence: points with less become NaN.
        max_points: at most so many are left.

    Returns:
        Points float32 `[h, w, 3]` in the map frame (m), and their colours uint8 `[h, w, 3]`.
    """
    if observation.points is None:
        return np.empty((0, 0, 3), np.float32), np.empty((0, 0, 3), np.uint8)
    height, width = observation.points.shape[:2]
    if rgb.shape[:2] != (height, width):
        rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    step = max(1, math.ceil(math.sqrt(height * width / max_points)))
    while -(-height // step) * -(-width // step) > max_points:
        step += 1
    chosen = slice(step // 2 if step < min(height, width) else 0, None, step)
    points = observation.points[chosen, chosen].astype(np.float32)
    usable = np.isfinite(points).all(-1)
    if observation.point_confidence is not None:
        usable &= observation.point_confidence[chosen, chosen] >= min_confidence
    points[~usable] = np.nan
    return points, rgb[chosen, chosen]
